// The live page: takes what the server says, and hands it to the parts that show it.

import { MAP_NAMES, classColour, colourMap, keep, kept } from "./colours.js";
import { showHealth } from "./health.js";
import { History } from "./history.js";
import { Link } from "./link.js";
import { setText, showState } from "./notices.js";
import { PlaceView } from "./place.js";
import { CurvePlot, ScoresPlot } from "./plots.js";
import { saveSnapshot } from "./snapshot.js";
import { Strip } from "./strip.js";
import { startTheme } from "./theme.js";
import { fetchRows } from "./wire.js";

const byId = (id) => document.getElementById(id);
const TOP = 5; // bands that are marked

const page = { plan: null, history: null, tick: null, lost: null, paused: false, point: -1, busy: false };
const scores = new ScoresPlot(byId("scores"));
const curve = new CurvePlot(byId("curve"), showBand);
const place = new PlaceView();
const strip = new Strip(byId("strip"), (chosen) => place.ask(chosen), showScroll);

startTheme(byId("theme"), () => {
  for (const plot of [scores, curve, place.plot]) if (plot.data) plot.rebuild();
  if (page.plan) showLegend();
  strip.draw();
});
startControls();
new Link(take, (seconds, refused) => {
  page.lost = seconds === null ? null : { seconds, refused };
  showAll();
}, () => ({ run: page.plan?.run ?? "", after: page.point }));

/** One message of the server; see tick_view in _views.py. */
async function take(tick) {
  page.tick = tick;
  showAll();
  if (page.busy) return; // the next one says it again
  page.busy = true;
  try {
    if (page.plan?.run !== tick.run && tick.last_row >= 0) await begin();
    if (page.plan?.run === tick.run) await show(tick);
  } catch (error) {
    console.warn(error.message); // the link notices by itself what broke
  } finally {
    page.busy = false;
  }
}

async function begin() {
  const plan = await (await fetch("api/plan")).json();
  if (!plan.samples) return;
  Object.assign(page, { plan, history: new History(plan), point: -1 });
  setText(byId("what"), `${plan.source} · ${plan.model}`);
  byId("empty").hidden = true;
  scores.begin(plan);
  curve.begin(plan);
  place.begin(plan);
  strip.begin(plan, page.history);
  showLegend();
}

async function show(tick) {
  const news = tick.bins.filter((bin) => bin.number > page.point);
  scores.add(news);
  if (news.length) page.point = news.at(-1).number;
  if (page.paused) return;
  if (news.length) showScores();
  if (tick.now) showNow(tick.now);
  while (page.history.last < tick.last_row && !page.paused) {
    const { history, plan } = page;
    const rows = await fetchRows(history.last, plan.width, plan.columns);
    if (!rows.length) break;
    strip.update(history.add(rows));
  }
}

function showNow(now) {
  const { plan } = page;
  const order = now.curve.map((_, band) => band).sort((a, b) => now.curve[b] - now.curve[a]);
  curve.top = order.slice(0, TOP).sort((a, b) => a - b);
  curve.draw([plan.wavelengths_nm, now.highest, now.curve]);
  setText(byId("top-bands"), `top: ${curve.top.map((band) => plan.wavelengths_nm[band].toFixed(0)).join(", ")} nm`);
}

function showScores() {
  const { plan } = page;
  const last = scores.bins.at(-1).scores;
  scores.show();
  [...byId("scores-legend").children].forEach((item, k) => {
    setText(item.lastChild, plan.task === "classification" ? last[k].toFixed(2) : `${last[k].toPrecision(3)} ${plan.targets[k].unit ?? ""}`);
  });
}

function showLegend() {
  byId("scores-legend").replaceChildren(...page.plan.targets.map((target, k) => {
    const item = document.createElement("li");
    item.style.setProperty("--swatch", classColour(k));
    item.append(target.name, document.createElement("b"));
    return item;
  }));
}

function showBand(band) {
  const { plan, tick } = page;
  const known = plan && tick?.now && band !== null && band !== undefined;
  setText(byId("curve-at"), known ? `${plan.wavelengths_nm[band].toFixed(0)} nm: ${curve.data[2][band]?.toPrecision(3)}` : "");
}

function showAll() {
  showState(byId("notices"), byId("state"), page.tick, page.lost, page.paused);
  if (!page.tick) return;
  showHealth(byId("health"), page.tick);
  const state = page.tick.phase === "lost" ? "camera lost" : page.tick.phase;
  document.title = `${page.lost ? "no connection" : state} · FOCUS live`;
}

function showScroll() {
  const back = byId("back");
  const room = Math.max(strip.newest - strip.oldest - strip.span, 0);
  back.disabled = room === 0;
  back.value = strip.end === null || !room ? 1000 : 1000 * (1 - (strip.newest - strip.shown) / room);
  byId("newest").hidden = strip.end === null;
  const first = Math.max(strip.shown - strip.span, strip.oldest);
  setText(byId("strip-at"), `lines ${[first, strip.shown].map((line) => Math.round(line).toLocaleString("en-GB")).join(" – ")}`);
}

function pause(paused) {
  page.paused = paused;
  byId("pause").setAttribute("aria-pressed", paused);
  setText(byId("pause"), paused ? "Go on" : "Pause view");
  if (paused) strip.hold();
  else if (page.plan) strip.scrollTo(Infinity);
  showAll();
}

function showScale() {
  const image = new ImageData(256, 1);
  for (let at = 0; at < 256; at++) image.data.set([...strip.map.subarray(3 * at, 3 * at + 3), 255], 4 * at);
  byId("scale").getContext("2d").putImageData(image, 0, 0);
}

/** Calls set with a control's value, now and whenever it changes; the device keeps it. */
function control(id, set) {
  const input = byId(id);
  const stored = kept(id, input.value);
  if (input.type === "range" || [...input.options].some((option) => option.value === stored)) input.value = stored;
  set(input.value);
  input.addEventListener("input", () => {
    keep(id, input.value);
    set(input.value);
  });
}

function startControls() {
  byId("colours").append(...MAP_NAMES.map((name) => new Option(name, name)));
  control("opacity", (value) => {
    strip.opacity = value / 100;
    strip.draw();
  });
  control("colours", (value) => {
    strip.map = colourMap(value);
    showScale();
    strip.draw();
  });
  control("ground", (value) => {
    strip.grey = value === "grey";
    strip.recolour();
  });
  byId("pause").addEventListener("click", () => pause(!page.paused));
  byId("newest").addEventListener("click", () => (page.paused ? pause(false) : strip.scrollTo(Infinity)));
  byId("back").addEventListener("input", (event) => {
    const room = strip.newest - strip.oldest - strip.span;
    strip.scrollTo(strip.newest - (1 - event.target.value / 1000) * room);
  });
  byId("snapshot").addEventListener("click", () => {
    if (!page.plan) return;
    const plots = [scores, curve, place.found && place.plot].filter((part) => part?.plot).map((part) => part.plot.ctx.canvas);
    saveSnapshot([[strip.canvas], plots].filter((row) => row.length), [`FOCUS · ${page.plan.source}`, `${new Date().toISOString()} · ${page.plan.model} · ${byId("strip-at").textContent}`]);
  });
}
