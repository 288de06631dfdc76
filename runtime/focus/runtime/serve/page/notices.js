// What must be seen at once: a lost camera, a lost connection, flags of the monitor.

const clock = (seconds) => (seconds >= 1 ? `Next try in ${Math.ceil(seconds)} s.` : "Trying now.");

/** @returns {[string, string, string, string][]} key, kind, what, more */
function notices(tick, lost, paused) {
  const found = [];
  if (lost) {
    found.push(lost.refused
      ? ["link", "bad", "The page needs its token again.", "Open it once with ?token=TOKEN at the end."]
      : ["link", "bad", "No connection to the run.", `What is shown is old. ${clock(lost.seconds)}`]);
  }
  if (paused) found.push(["paused", "info", "The view is paused.", "The run goes on; scroll back, or touch a place."]);
  if (!tick || lost) return found;
  if (tick.phase === "lost") found.push(["camera", "bad", ...because("Camera lost", tick.reason)]);
  if (tick.silent) found.push(["silent", "bad", "No lines come.", `The last ones came ${Math.round(tick.silent_s)} s ago.`]);
  if (tick.phase === "failed") found.push(["end", "bad", ...because("The run failed", tick.reason)]);
  if (tick.phase === "ended") found.push(["end", "info", ...because("The run has ended", tick.reason)]);
  for (const flag of tick.flags) found.push([`flag-${flag.name}`, "warn", `Do not trust the maps blindly: ${flag.name.replaceAll("_", " ")}.`, sentence(flag.message)]);
  return found;
}

const sentence = (text) => (text && !/[.!?]$/.test(text) ? `${text}.` : text);

const because = (what, reason) => (reason ? [`${what}:`, sentence(reason)] : [`${what}.`, ""]);

/** @returns {[string, string]} kind and words of the state in the page's head */
function state(tick, lost, paused) {
  if (lost) return ["bad", "no connection"];
  if (!tick) return ["", "connecting"];
  if (tick.phase === "lost") return ["bad", "camera lost"];
  if (tick.silent) return ["bad", "no lines"];
  if (tick.phase === "running") return paused ? ["warn", "paused"] : ["good", "live"];
  return { starting: ["", "starting"], ended: ["", "ended"], failed: ["bad", "failed"] }[tick.phase];
}

/** Shows what is wrong; only what changed is touched, so that a reader of the screen hears it once. */
export function showState(box, pill, tick, lost, paused) {
  const [kind, words] = state(tick, lost, paused);
  pill.className = `pill ${kind}`;
  setText(pill, words);
  const wanted = notices(tick, lost, paused);
  for (const child of [...box.children]) if (!wanted.some(([key]) => key === child.dataset.key)) child.remove();
  for (const [key, sort, what, more] of wanted) {
    let notice = [...box.children].find((child) => child.dataset.key === key);
    if (!notice) {
      notice = document.createElement("p");
      notice.append(document.createElement("b"), " ", document.createElement("span"));
      notice.dataset.key = key;
      box.append(notice);
    }
    notice.className = `notice ${sort}`;
    setText(notice.firstChild, what);
    setText(notice.lastChild, more);
  }
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
