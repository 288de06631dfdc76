// The scrolling strip: quicklook, saliency, segments and the chosen place. Lines run to the right.

import { colourMap, ink } from "./colours.js";
import { Tiles } from "./tiles.js";

const STILL_PX = 6; // a stroke that is shorter is a click
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

export class Strip {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(place: {row: number, column: number}) => void} onPick somebody chose a place
   * @param {() => void} onScroll what is seen moved
   */
  constructor(canvas, onPick, onScroll) {
    Object.assign(this, { canvas, onPick, onScroll, plan: null, history: null, opacity: 0.85, grey: true });
    this.end = null; // line at the right edge; null follows the newest
    this.shown = 0; // where the right edge is while it glides there
    this.heat = document.createElement("canvas");
    this.map = colourMap();
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.listen();
  }

  begin(plan, history) {
    Object.assign(this, { plan, history, tiles: new Tiles(plan), end: null, place: null, shown: 0 });
    this.draw();
  }

  get newest() {
    return this.history && this.history.last >= 0 ? (this.history.last + 1) * this.plan.patch : 0;
  }

  get oldest() {
    return this.history ? Math.max(this.history.first, 0) * this.plan.patch : 0;
  }

  /** Pixels of the page a line. */
  get scale() {
    return this.canvas.clientHeight / this.plan.samples;
  }

  /** Lines that fit. */
  get span() {
    return this.canvas.clientWidth / this.scale;
  }

  /** New rows came, or the colours of old ones changed. */
  update(recoloured) {
    if (recoloured) this.tiles.forget();
    this.draw();
  }

  recolour() {
    this.tiles?.forget();
    this.draw();
  }

  /** Moves the right edge; at the newest line it follows from then on. */
  scrollTo(line) {
    const least = Math.min(this.oldest + this.span, this.newest);
    this.end = line >= this.newest ? null : Math.max(line, least);
    this.shown = this.end ?? this.newest;
    this.draw();
  }

  /** Stops where it is. */
  hold() {
    this.end ??= this.newest;
  }

  draw() {
    if (this.due || !this.plan) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      this.glide();
      this.paint();
      this.onScroll();
    });
  }

  glide() {
    const target = this.end ?? this.newest;
    const left = target - this.shown;
    const jump = CALM.matches || this.end !== null || left < 0 || left > this.span / 2 || left < 0.5;
    this.shown = jump ? target : this.shown + Math.max(left * 0.08, 0.5);
    if (!jump) queueMicrotask(() => this.draw());
  }

  /** Where a line is on the canvas. */
  x(line) {
    return this.canvas.clientWidth - (this.shown - line) * this.scale;
  }

  paint() {
    const { canvas, plan, history, scale } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (history.last < 0) return;
    const first = Math.max(Math.floor((this.shown - this.span) / plan.patch) - 1, history.first);
    const last = Math.min(Math.ceil(this.shown / plan.patch) + 1, history.last);
    const levels = history.groundLevels();
    for (let row = first; row <= last; ) {
      const tile = this.tiles.tile(row, history, levels, this.grey);
      context.drawImage(tile.canvas, this.x(tile.line), 0, tile.lines * scale, height);
      row = Math.floor((tile.line + tile.lines) / plan.patch);
    }
    this.paintHeat(context, first, last);
    this.paintSegments(context, first, last);
    if (this.place) this.paintPlace(context);
  }

  /** One pixel a patch, smoothed by the browser: the weaker, the more transparent. */
  paintHeat(context, first, last) {
    const { heat, plan, history, map } = this;
    const { low, high } = history.heat;
    if (last < first || !this.opacity) return;
    heat.width = last - first + 1;
    heat.height = plan.columns;
    const image = new ImageData(heat.width, heat.height);
    for (let row = first; row <= last; row++) {
      const values = history.rows.get(row)?.heat ?? [];
      for (let column = 0; column < values.length; column++) {
        const strength = (values[column] - low) / (high - low);
        if (!(strength > 0)) continue; // also where it is nan
        const at = 4 * (column * heat.width + row - first);
        const colour = 3 * Math.round(255 * Math.min(Math.max(values[column] / high, 0), 1));
        for (let k = 0; k < 3; k++) image.data[at + k] = map[colour + k];
        image.data[at + 3] = 255 * Math.min(strength, 1) ** 0.6;
      }
    }
    heat.getContext("2d").putImageData(image, 0, 0);
    context.globalAlpha = this.opacity;
    const patch = plan.patch * this.scale;
    context.drawImage(heat, this.x(first * plan.patch), 0, heat.width * patch, heat.height * patch);
    context.globalAlpha = 1;
  }

  paintSegments(context, first, last) {
    context.font = "12px system-ui, sans-serif";
    for (let row = first + 1; row <= last; row++) {
      const [before, here] = [this.history.rows.get(row - 1), this.history.rows.get(row)];
      if (!before || !here || (before.segment === here.segment && before.cube === here.cube)) continue;
      const x = Math.round(this.x(row * this.plan.patch));
      if (before.segment === here.segment) {
        this.paintCubeBorder(context, x);
        continue;
      }
      context.fillStyle = ink("bad");
      context.fillRect(x - 1, 0, 2, this.canvas.clientHeight);
      const text = `segment ${here.segment}`;
      const wide = context.measureText(text).width + 12;
      context.fillRect(x - 1, 0, wide, 20);
      context.fillStyle = ink("bad-ground");
      context.fillText(text, x + 5, 14);
    }
  }

  /** Between two cubes of a snapshot camera: dashed, in black and white, so that it is no gap of missing lines. */
  paintCubeBorder(context, x) {
    context.fillStyle = "#000000";
    context.fillRect(x - 1, 0, 2, this.canvas.clientHeight);
    context.fillStyle = "#ffffff";
    for (let y = 0; y < this.canvas.clientHeight; y += 12) context.fillRect(x - 1, y, 2, 6);
  }

  paintPlace(context) {
    const patch = this.plan.patch * this.scale;
    const [x, y] = [this.x(this.place.row * this.plan.patch), this.place.column * patch];
    for (const [width, colour, gap] of [[4, "#000000", 2], [2, "#ffffff", 2]]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.strokeRect(x - gap, y - gap, patch + 2 * gap, patch + 2 * gap);
    }
  }

  choose(row, column) {
    row = Math.min(Math.max(row, this.history.first), this.history.last);
    column = Math.min(Math.max(column, 0), this.plan.columns - 1);
    this.place = { row, column };
    this.onPick(this.place);
    this.draw();
  }

  listen() {
    const { canvas } = this;
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.plan || this.history.last < 0) return;
      from = { x: event.clientX, shown: this.shown, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const stroke = event.clientX - from.x;
      from.moved ||= Math.abs(stroke) > STILL_PX;
      if (from.moved) this.scrollTo(from.shown - stroke / this.scale);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from && !from.moved) {
        const box = canvas.getBoundingClientRect();
        const line = this.shown - (box.right - event.clientX) / this.scale;
        const sample = (event.clientY - box.top) / this.scale;
        if (line >= this.oldest) this.choose(Math.floor(line / this.plan.patch), Math.floor(sample / this.plan.patch));
      }
      from = null;
    });
    canvas.addEventListener("pointercancel", () => (from = null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** Sideways, or with Shift, so that the page still scrolls over the strip. */
  wheel(event) {
    const turn = event.deltaX || (event.shiftKey ? event.deltaY : 0);
    if (!this.plan || !turn) return;
    event.preventDefault();
    this.scrollTo(this.shown + turn / this.scale);
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !this.plan || this.history.last < 0) return;
    event.preventDefault();
    const here = this.place ?? { row: Math.floor((this.shown - this.span / 2) / this.plan.patch), column: this.plan.columns >> 1 };
    this.choose(here.row + step[0], here.column + step[1]);
  }
}
