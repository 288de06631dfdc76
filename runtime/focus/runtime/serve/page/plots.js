// The three plots, drawn by uPlot in the colours of the page.

import { classColour, ink } from "./colours.js";

const FONT = "12px system-ui, sans-serif";
const X_AXIS_PX = 28;
const NUMBERED = /-\d+$/; // VIS-3
const POINTS = 240; // of the scores: two minutes, or more where windows are rare

/** Short, however small: 0.25, 3e-5, 1.2e-8. */
export const short = (value) => {
  const rounded = Number(value.toPrecision(3));
  return rounded !== 0 && Math.abs(rounded) < 0.01 ? rounded.toExponential() : `${rounded}`;
};

/** A plot that fills its box; draw() again and again with new values, rebuild() when colours or series change. */
class Plot {
  constructor(box) {
    this.box = box;
    this.data = null;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(box);
  }

  size() {
    return { width: Math.max(this.box.clientWidth, 50), height: Math.max(this.box.clientHeight, 50) };
  }

  rebuild() {
    this.plot?.destroy();
    const common = { ...this.size(), legend: { show: false }, padding: [8, 30, 0, 0] };
    this.plot = this.plan && new uPlot({ ...common, ...this.options() }, this.data, this.box);
  }

  draw(data) {
    this.data = data;
    if (this.plot) this.plot.setData(data);
    else this.rebuild();
  }

  axis(more) {
    const line = { stroke: ink("grid"), width: 1 };
    return { stroke: ink("soft"), font: FONT, grid: line, ticks: { ...line, size: 4 }, gap: 3, values: (_, ticks) => ticks.map(short), ...more };
  }
}

/** Scores over time: a line a class, broken where a segment ends. */
export class ScoresPlot extends Plot {
  begin(plan) {
    Object.assign(this, { plan, bins: [], data: [[], ...plan.targets.map(() => [])] });
    this.rebuild();
  }

  /** @param {object[]} bins points of the plots, see _scores.py */
  add(bins) {
    this.bins = [...this.bins, ...bins].slice(-POINTS);
  }

  show() {
    const columns = [[], ...this.plan.targets.map(() => [])];
    this.bins.forEach((bin, index) => {
      const before = this.bins[index - 1];
      if (before && before.segment !== bin.segment) {
        columns[0].push((before.utc_s + bin.utc_s) / 2);
        columns.slice(1).forEach((column) => column.push(null));
      }
      columns[0].push(bin.utc_s);
      columns.slice(1).forEach((column, k) => column.push(bin.scores[k]));
    });
    this.draw(columns);
  }

  options() {
    const share = this.plan.task === "classification";
    return {
      scales: { y: share ? { range: [0, 1] } : {} },
      cursor: { y: false, drag: { x: false } },
      axes: [this.axis({ values: "{HH}:{mm}:{ss}", space: 80, size: X_AXIS_PX }), this.axis({ size: 40 })],
      series: [{}, ...this.plan.targets.map((_, k) => ({ stroke: classColour(k), width: 2, points: { show: false } }))],
    };
  }
}

/** A plot over wavelength, with the model's groups of bands shaded and named. */
class BandPlot extends Plot {
  /** @param {(band: number | null) => void} say the pointer is over a band */
  constructor(box, say) {
    super(box);
    this.say = say;
  }

  begin(plan) {
    this.plan = plan;
    this.data = null;
    const { wavelengths_nm: nm } = plan;
    this.edges = [nm[0], ...nm.slice(1).map((right, index) => (nm[index] + right) / 2), nm.at(-1)];
    this.plot?.destroy();
    this.plot = null;
  }

  shade(u) {
    this.plan.groups.forEach((group, index) => {
      const [left, right] = this.span(u, group);
      u.ctx.fillStyle = ink(index % 2 ? "tint-b" : "tint-a");
      u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
    });
  }

  /** Where a group begins and ends, in pixels of the canvas. */
  span(u, group) {
    return [group.first, group.stop].map((edge) => u.valToPos(this.edges[edge], "x", true));
  }

  /** Names the groups, or, where not all of them find room, VIS-1 to VIS-5 together as VIS. */
  name(u) {
    u.ctx.save();
    u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    u.ctx.textAlign = "center";
    u.ctx.fillStyle = ink("soft");
    const fits = (group) => {
      const [left, right] = this.span(u, group);
      return u.ctx.measureText(group.name).width + 4 <= right - left;
    };
    const { groups } = this.plan;
    const shown = groups.every((group) => !NUMBERED.test(group.name) || fits(group)) ? groups : families(groups);
    for (const group of shown.filter(fits)) {
      const [left, right] = this.span(u, group);
      u.ctx.fillText(group.name, (left + right) / 2, u.bbox.top + 13 * devicePixelRatio);
    }
    u.ctx.restore();
  }

  shared() {
    return {
      cursor: { y: false, drag: { x: false } },
      hooks: { drawClear: [(u) => this.shade(u)], drawAxes: [(u) => this.name(u)], setCursor: [(u) => this.say(u.cursor.idx)] },
    };
  }

  wavelengths() {
    const unit = (_, ticks) => ticks.map((tick, index) => (index === ticks.length - 1 ? `${tick} nm` : `${tick}`));
    return this.axis({ values: unit, space: 60, size: X_AXIS_PX });
  }
}

/** Neighbouring groups whose names differ by their number only, as one. */
function families(groups) {
  const found = [];
  for (const { name, first, stop } of groups) {
    const family = name.replace(NUMBERED, "");
    if (found.at(-1)?.name === family) found.at(-1).stop = stop;
    else found.push({ name: family, first, stop });
  }
  return found;
}

const fromZero = (_, low, high) => [0, (high > 0 ? high : 1) * 1.18];

/** B over wavelength: the last window, and the highest of the run. */
export class CurvePlot extends BandPlot {
  options() {
    return {
      ...this.shared(),
      scales: { x: { time: false }, y: { range: fromZero } },
      axes: [this.wavelengths(), this.axis({ size: 48 })],
      series: [
        {},
        { stroke: ink("muted"), width: 1.5, points: { show: false } },
        { stroke: ink("saliency"), width: 2, points: { show: true, filter: () => this.top ?? [], size: 8, fill: ink("panel"), width: 2 } },
      ],
    };
  }
}

/** Reflectance of one place beside training's, and saliency by band. */
export class PlacePlot extends BandPlot {
  options() {
    const quiet = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      ...this.shared(),
      scales: { x: { time: false }, y: { range: fromZero }, saliency: { range: fromZero } },
      axes: [
        this.wavelengths(),
        this.axis({ size: 42, stroke: ink("reflectance") }),
        this.axis({ size: 48, side: 1, scale: "saliency", stroke: ink("saliency"), grid: { show: false } }),
      ],
      bands: [{ series: [1, 2], fill: ink("training") }],
      series: [
        {}, quiet, quiet,
        { stroke: ink("reflectance"), width: 2, points: { show: false } },
        { stroke: ink("saliency"), width: 2, points: { show: false }, scale: "saliency" },
      ],
    };
  }
}
