// The connection to the server: it says when it is lost, and comes back by itself.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const SILENCE_MS = 5000; // the server speaks more than twice a second

export class Link {
  /**
   * @param {(tick: object) => void} onTick what the server says
   * @param {(seconds: number | null, refused: boolean) => void} onLost seconds until the next try, null when back
   * @param {() => {run: string, after: number}} known the history and the last point of the plots that the page has
   */
  constructor(onTick, onLost, known) {
    Object.assign(this, { onTick, onLost, known, waitMs: FIRST_WAIT_MS, lost: false, refused: false });
    document.addEventListener("visibilitychange", () => this.wake());
    window.addEventListener("online", () => this.wake());
    this.open();
  }

  open() {
    this.stream = new EventSource(`api/events?${new URLSearchParams(this.known())}`);
    this.stream.onmessage = (event) => this.take(JSON.parse(event.data));
    this.stream.onerror = () => this.lose();
    this.listen();
  }

  take(tick) {
    this.waitMs = FIRST_WAIT_MS;
    this.refused = false;
    if (this.lost) this.onLost(null, false);
    this.lost = false;
    this.listen();
    this.onTick(tick);
  }

  /** A dead wireless link ends without an error, so silence counts as one. */
  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lose(), SILENCE_MS);
  }

  lose() {
    this.stream.close();
    clearTimeout(this.silence);
    this.lost = true;
    this.due = Date.now() + this.waitMs;
    this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
    this.ask();
    this.count();
  }

  count() {
    clearTimeout(this.timer);
    const left = this.due - Date.now();
    if (left <= 0) return this.open();
    this.onLost(Math.ceil(left / 1000), this.refused);
    this.timer = setTimeout(() => this.count(), Math.min(left, 250));
  }

  /** An event stream does not say why it failed; a plain request does. */
  async ask() {
    try {
      this.refused = [401, 403].includes((await fetch("api/plan")).status);
    } catch {
      this.refused = false;
    }
  }

  /** Somebody looks again: no need to wait out the pause. */
  wake() {
    if (this.lost && document.visibilityState === "visible") this.due = Math.min(this.due, Date.now() + 100);
  }
}
