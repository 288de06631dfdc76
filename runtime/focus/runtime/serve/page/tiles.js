// The quicklook as a row of canvases, lines running to the right; only what is looked at is drawn.

const ROWS = 32; // rows of patches a tile
const MOST = 128; // tiles that are kept drawn

export class Tiles {
  /** @param {object} plan see plan_view in _views.py */
  constructor(plan) {
    this.plan = plan;
    this.tiles = new Map(); // by number, the one used last at the end
    this.version = 0; // of the colours
  }

  /** Line of the thinned picture at which a row begins. */
  start(row) {
    return Math.ceil((row * this.plan.patch) / this.plan.factor);
  }

  /**
   * The tile of a row, with all that its rows hold by now.
   * @returns {{canvas: HTMLCanvasElement, line: number, lines: number}} first line of the scene, and how many
   */
  tile(row, history, levels, grey) {
    const number = Math.floor(row / ROWS);
    const [from, to] = [this.start(number * ROWS), this.start((number + 1) * ROWS)];
    let tile = this.tiles.get(number);
    if (!tile || tile.version !== this.version) {
      tile = { canvas: tile?.canvas ?? document.createElement("canvas"), version: this.version, drawn: new Set() };
      tile.canvas.width = to - from; // clears it, too
      tile.canvas.height = this.plan.width;
    }
    this.tiles.delete(number);
    this.tiles.set(number, tile);
    if (this.tiles.size > MOST) this.tiles.delete(this.tiles.keys().next().value);
    for (let at = number * ROWS; at < (number + 1) * ROWS; at++) {
      const kept = history.rows.get(at);
      if (!kept || tile.drawn.has(at)) continue;
      tile.drawn.add(at);
      if (kept.lines) tile.canvas.getContext("2d").putImageData(this.turned(kept, levels, grey), this.start(at) - from, 0);
    }
    return { canvas: tile.canvas, line: from * this.plan.factor, lines: (to - from) * this.plan.factor };
  }

  /** A row's pixels with lines as columns, stretched, in grey or in colour. */
  turned(row, levels, grey) {
    const { width } = this.plan;
    const image = new ImageData(row.lines, width);
    for (let line = 0; line < row.lines; line++) {
      for (let sample = 0; sample < width; sample++) {
        const from = 4 * (line * width + sample);
        const to = 4 * (sample * row.lines + line);
        let [red, green, blue] = [levels[row.pixels[from]], levels[row.pixels[from + 1]], levels[row.pixels[from + 2]]];
        if (grey) red = green = blue = 20 + 0.75 * (0.3 * red + 0.59 * green + 0.11 * blue);
        image.data[to] = red;
        image.data[to + 1] = green;
        image.data[to + 2] = blue;
        image.data[to + 3] = row.pixels[from + 3];
      }
    }
    return image;
  }

  /** The colours changed: everything is to be drawn anew. */
  forget() {
    this.version++;
  }
}
