// Keeps a page up to date while it is looked at.

// morph makes the tree `from` like `to`, touching only what differs, so that focus, selection and what
// is being typed stay. What has data-keep stays as it is.
export function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || keyOf(from) !== keyOf(to)) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.hasAttribute("data-keep")) return;
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && name !== "open") from.setAttribute(name, value);
  }
  morphChildren(from, [...to.childNodes]);
}

const keyOf = (node) => node.getAttribute?.("id") || node.getAttribute?.("aria-labelledby"); // node.id may be a form's field of that name

// morphChildren finds those that have a key again wherever they stand; the others go by their order. What stands
// before one of a key and comes no more goes, rather than the one moves.
function morphChildren(from, fresh) {
  const old = new Map([...from.children].filter(keyOf).map((e) => [keyOf(e), e]));
  const coming = new Set(fresh.map(keyOf).filter(Boolean));
  let place = from.firstChild;
  for (const node of fresh) {
    const same = old.get(keyOf(node));
    while (same && place && place !== same && !coming.has(keyOf(place))) place = drop(place);
    if (same && same !== place) move(from, same, place);
    const next = same ?? place;
    if (!next || (!same && coming.has(keyOf(next)))) {
      from.insertBefore(node, place);
      continue;
    }
    place = next.nextSibling;
    morph(next, node);
  }
  while (place) place = drop(place);
}

// drop takes a node away, and gives the one after it.
function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

// move puts a child elsewhere; where a browser can, what has the focus in it keeps that.
const move = (parent, child, place) => (parent.moveBefore ?? parent.insertBefore).call(parent, child, place);

// redraw shows main as the laboratory has it now, and tells charts that appeared with it.
async function redraw(main) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.status === 401) { location.reload(); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (fresh) morph(main, fresh);
  document.dispatchEvent(new Event("assay:redrawn"));
}

const rest = 700; // ms between one look at a laboratory that changes all the time and the next

// follow refreshes main whenever the event that it names in data-live says that it is out of date, and
// returns what refreshes it at once.
export function follow(main, connection) {
  let source = null, busy = false, again = false, retry = 0;

  function say(state, text) {
    if (!connection) return;
    connection.hidden = false;
    connection.dataset.connection = state;
    if (connection.textContent !== text) connection.textContent = text;
  }

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      await redraw(main);
    } catch {
      say("lost", "Connection lost, retrying …");
    } finally {
      busy = false;
      if (again) { again = false; setTimeout(refresh, rest); }
    }
  }

  function open() {
    close();
    source = new EventSource("/api/v1/events");
    source.onopen = () => say("live", "Live");
    source.onerror = () => {
      say("lost", "Connection lost, retrying …");
      // A browser retries by itself unless it was refused.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, 3000);
    };
    source.addEventListener(main.dataset.live, () => {
      refresh();
      document.dispatchEvent(new Event("assay:changed"));
    });
  }

  function close() {
    clearTimeout(retry);
    source?.close();
  }

  if (main.dataset.live) {
    // A page nobody sees needs no connection; browsers allow few to one place.
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    addEventListener("pagehide", close);
    addEventListener("pageshow", (event) => { if (event.persisted) open(); }); // by the back button
    if (!document.hidden) open();
  }
  return refresh;
}
