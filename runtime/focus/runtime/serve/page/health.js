// The tiles of numbers that say whether all is well.

import { setText } from "./notices.js";

const count = (value) => [value.toLocaleString("en-GB"), ""];
const share = (value) => [value?.toFixed(2) ?? "–", ""];
const time = (seconds) => (seconds === null ? ["–", ""] : seconds < 1 ? [`${Math.round(seconds * 1000)}`, "ms"] : [seconds.toFixed(1), "s"]);
const LOW_DISK = 2e9, HOT_C = 85, LATE_S = 2;

const bytes = (value) => (value === null ? ["–", ""] : value >= 1e12 ? [(value / 1e12).toFixed(1), "TB"] : [(value / 1e9).toFixed(1), "GB"]);

/** label, what to show (value and unit), whether to warn, what it means */
const TILES = [
  ["Lines", (h) => [h.lines_per_s.toFixed(0), "/s"], () => false, "lines that came whole, over the last 5 s"],
  ["Windows", (h) => [h.windows_per_s.toFixed(1), "/s"], () => false, "windows that the network read, over the last 5 s"],
  ["Latency p50", (h) => time(h.latency_s.p50), () => false, "from a window's last line to its map"],
  ["Latency p99", (h) => time(h.latency_s.p99), (h) => h.latency_s.p99 > LATE_S, "the slowest of a hundred windows"],
  ["In the queue", (h) => [h.underway.toLocaleString("en-GB"), "lines"], () => false, "lines that were taken in and have no map yet"],
  ["Line wait", (h) => time(h.wait_s), (h) => h.wait_s > LATE_S, "how long the newest line waited"],
  ["Received", (h) => count(h.received), () => false, "lines that came whole"],
  ["Missing", (h) => count(h.missing), (h) => h.missing > 0, "lines that never came, or were given up"],
  ["Damaged", (h) => count(h.rejected), (h) => h.rejected > 0, "lines that came damaged"],
  ["Dropped", (h) => count(h.dropped), (h) => h.dropped > 0, "lines given up because the machine was too slow; also missing"],
  ["Camera lost", (h, tick) => [tick.losses, "×"], (h, tick) => tick.losses > 0, "how often the camera went away"],
  ["Collapse", (h, tick) => share(tick.now?.collapse), () => false, "1 - sum A + max A of the last window: near 1, the model looks at one patch or at none"],
  ["Sink mass", (h, tick) => share(tick.now?.sink_mass), () => false, "attention that the last window's prompts gave to no patch"],
  ["Disk free", (h) => bytes(h.disk_free_bytes), (h) => h.disk_free_bytes < LOW_DISK, "where the results go"],
];

export function showHealth(list, tick) {
  const { health } = tick;
  const wanted = TILES.map(([label, show, warn, title]) => [label, show(health, tick), warn(health, tick), title]);
  const zones = Object.entries(health.temperatures_c).sort((a, b) => b[1] - a[1]);
  if (zones.length) wanted.push(["Temperature", [zones[0][1].toFixed(0), "°C"], zones[0][1] > HOT_C, zones.map(([zone, degrees]) => `${zone} ${degrees.toFixed(0)} °C`).join(", ")]);
  wanted.forEach(([label, [value, unit], warn, title], index) => {
    const tile = list.children[index] ?? list.appendChild(newTile());
    tile.title = title;
    tile.classList.toggle("warn", warn);
    setText(tile.firstChild, label);
    setText(tile.lastChild.firstChild, `${value}`);
    setText(tile.lastChild.lastChild, unit);
  });
}

function newTile() {
  const tile = document.createElement("div");
  const value = document.createElement("dd");
  value.append(document.createElement("span"), document.createElement("small"));
  tile.append(document.createElement("dt"), value);
  return tile;
}
