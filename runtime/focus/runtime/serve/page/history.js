// The newest rows of the strip, as many as the server keeps, and what their colours are scaled to.

/** Shares of the saliency that become the lowest and the highest colour; the same as in overlay.png. */
const HEAT_LOW = 0.5, HEAT_HIGH = 0.997;
const GROUND_LOW = 0.005, GROUND_HIGH = 0.995;
const REFRESH_MS = 1000;
const SORTED = 20000; // values that the colours are scaled to at most

export class History {
  constructor(plan) {
    this.rows = new Map(); // by number, oldest first
    this.most = plan.most_rows;
    this.first = this.last = -1;
    this.heat = { low: 0, high: 1 };
    this.ground = { low: 0, high: 1 }; // reflectance
    this.counts = new Float64Array(256); // of the ground's grey levels
    this.refreshed = -Infinity;
  }

  /** @returns {boolean} whether the colours of the ground changed, so that older rows must be drawn again */
  add(rows) {
    for (const row of rows) {
      this.rows.set(row.number, row);
      for (let at = 0; at < row.pixels.length; at += 4 * 7) {
        if (row.pixels[at + 3]) for (let k = 0; k < 3; k++) this.counts[row.pixels[at + k]]++;
      }
    }
    for (const number of this.rows.keys()) {
      if (this.rows.size <= this.most) break;
      this.rows.delete(number);
    }
    this.first = this.rows.keys().next().value ?? -1;
    if (rows.length) this.last = rows.at(-1).number;
    const now = performance.now();
    if (now - this.refreshed < REFRESH_MS) return false;
    this.refreshed = now;
    this.scaleHeat();
    return this.scaleGround();
  }

  scaleHeat() {
    const rows = [...this.rows.values()];
    const step = Math.ceil((rows.length * (rows[0]?.heat.length ?? 0)) / SORTED);
    const known = rows.filter((_, index) => index % step === 0).flatMap((row) => [...row.heat].filter(Number.isFinite));
    if (!known.length) return;
    const sorted = Float32Array.from(known).sort();
    const at = (share) => sorted[Math.floor(share * (sorted.length - 1))];
    this.heat = { low: at(HEAT_LOW), high: Math.max(at(HEAT_HIGH), at(HEAT_LOW) + 1e-12) };
  }

  scaleGround() {
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    const level = (share) => {
      let sum = 0;
      return this.counts.findIndex((count) => (sum += count) >= share * total);
    };
    if (!total) return false;
    const [low, high] = [level(GROUND_LOW), level(GROUND_HIGH)].map((grey) => (grey / 255) ** 2);
    const moved = Math.abs(low - this.ground.low) + Math.abs(high - this.ground.high) > 0.08 * (this.ground.high - this.ground.low);
    if (moved) this.ground = { low, high: Math.max(high, low + 0.01) };
    return moved;
  }

  /** For each grey level 255 sqrt(reflectance), the level that is shown. */
  groundLevels() {
    const { low, high } = this.ground;
    return Uint8ClampedArray.from({ length: 256 }, (_, grey) => 255 * Math.sqrt(Math.max((grey / 255) ** 2 - low, 0) / (high - low)));
  }
}
