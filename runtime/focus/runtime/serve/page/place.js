// One place: its spectrum, and the saliency by band.

import { setText } from "./notices.js";
import { PlacePlot } from "./plots.js";

const byId = (id) => document.getElementById(id);

export class PlaceView {
  constructor() {
    this.asked = 0;
    this.plot = new PlacePlot(byId("place"), (band) => this.point(band));
  }

  begin(plan) {
    this.plan = plan;
    this.found = null;
    this.asked++;
    this.plot.begin(plan);
    this.show("Touch or click the strip to see the spectrum there.");
  }

  async ask({ row, column }) {
    const asked = ++this.asked;
    try {
      const answer = await fetch(`api/place?row=${row}&column=${column}`);
      const found = await answer.json();
      if (asked !== this.asked) return;
      this.found = answer.ok && found.measured ? found : null;
      this.show(answer.ok ? "Nothing was measured here." : `${found.error ?? "No answer"}.`, found);
    } catch {
      if (asked === this.asked) this.show("No connection; try again.");
    }
  }

  show(hint) {
    const { found, plan } = this;
    byId("place-hint").hidden = Boolean(found);
    byId("place-legend").hidden = byId("place").hidden = !found;
    this.point(null);
    if (!found) return setText(byId("place-hint"), hint);
    const blank = plan.wavelengths_nm.map(() => null);
    const off = (sign) => plan.mean.map((mean, band) => mean + sign * plan.deviation[band]);
    this.plot.draw([plan.wavelengths_nm, off(1), off(-1), found.reflectance ?? blank, found.saliency ?? blank]);
    setText(byId("place-saliency"), found.saliency_of === "place" ? "saliency here" : "saliency of the window around");
    const best = found.scores.reduce((top, score, k) => (score > found.scores[top] ? k : top), 0);
    const value = (k) => `${plan.targets[k].name} ${found.scores[k]?.toPrecision(3) ?? "–"} ${plan.targets[k].unit ?? ""}`.trim();
    const score = plan.task === "classification" ? `${plan.targets[best].name} ${found.scores[best]?.toFixed(2)}` : plan.targets.map((_, k) => value(k)).join(", ");
    setText(byId("place-score"), found.reflectance ? score : `${score}; the spectrum stays on the GPU`);
  }

  point(band) {
    const { found, plan } = this;
    if (!found) return setText(byId("place-at"), "");
    const value = (values) => values?.[band]?.toPrecision(3) ?? "–";
    setText(byId("place-at"), band === null || band === undefined
      ? `${found.segment > 1 ? `segment ${found.segment}, ` : ""}line ${found.line.toLocaleString("en-GB")}, sample ${found.sample}`
      : `${plan.wavelengths_nm[band].toFixed(0)} nm: reflectance ${value(found.reflectance)}, saliency ${value(found.saliency)}`);
  }
}
