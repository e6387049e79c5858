// Ways to look at two pictures: side by side, one swept over the other, by turns, or what differs of them. The
// address says which, so that it can be sent to somebody.

const turn = 700; // milliseconds; slow enough not to flash

// show arranges the pictures in one way.
function show(box, view) {
  box.dataset.view = view;
  box.blinker.run(view === "blink");
  const address = new URL(location.href);
  if (view === "beside") address.searchParams.delete("view");
  else address.searchParams.set("view", view);
  history.replaceState(history.state, "", address);
}

// blinker shows two figures by turns.
class Blinker {
  #timer = 0;

  constructor(box) {
    this.figures = [box.querySelector(".control"), box.querySelector(".other")];
    this.says = box.querySelector(".blink output");
    this.stop = box.querySelector("[data-blink]");
    this.stop.addEventListener("click", () => (this.#timer ? this.hold() : this.go()));
    box.querySelector("[data-switch]").addEventListener("click", () => { this.hold(); this.next(); });
  }

  // run begins, unless moving things are not wanted, or ends.
  run(wanted) {
    this.hold();
    this.figures.forEach((f, i) => f.classList.toggle("away", wanted && i === 1));
    if (!wanted) return;
    this.name();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.go();
  }

  go() {
    this.#timer = setInterval(() => this.next(true), turn);
    this.stop.textContent = "Stop";
    this.stop.setAttribute("aria-pressed", "true");
  }

  hold() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.stop.textContent = "Blink";
    this.stop.setAttribute("aria-pressed", "false");
    this.name();
  }

  next(silent) {
    this.figures.forEach((f) => f.classList.toggle("away"));
    if (!silent) this.name();
  }

  // name says whose picture is seen; not at each turn, which nobody could bear to hear.
  name() {
    const seen = this.figures.find((f) => !f.classList.contains("away"));
    this.says.textContent = seen.querySelector("figcaption").textContent;
  }
}

for (const box of document.querySelectorAll("[data-pictures]")) {
  box.blinker = new Blinker(box);
  const range = box.querySelector(".swipe input"), frames = box.querySelector(".frames");
  range.addEventListener("input", () => frames.style.setProperty("--cut", range.value + "%"));
  frames.addEventListener("pointermove", (event) => {
    if (box.dataset.view !== "swipe" || !event.buttons) return;
    const at = box.querySelector(".control img").getBoundingClientRect();
    range.value = Math.min(100, Math.max(0, (100 * (event.clientX - at.left)) / at.width));
    range.dispatchEvent(new Event("input"));
  });
  for (const image of frames.querySelectorAll("img")) image.draggable = false;
  box.addEventListener("change", (event) => { if (event.target.type === "radio") show(box, event.target.value); });
  if (box.dataset.view === "blink") box.blinker.run(true);
}
