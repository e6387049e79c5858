// Makes a chart of each <figure data-chart="ADDRESS">: what the API answers there, drawn by uPlot, with a
// legend that hides series, a table of the same numbers, and both to take away. Which charts are tables and
// which series are hidden stands in the page's address. A figure with data-small is without axes and tools
// until it is a table. data-state of the figure is "loading", "drawn", "empty" or "error".
import { format, label, ticks } from "./scales.js";

const refreshEvery = 2000; // ms

let library = null;

// load brings uPlot, once.
function load() {
  library ??= new Promise((resolve, reject) => {
    const here = new URL("vendor/uplot/", import.meta.url);
    const script = document.createElement("script");
    script.src = new URL("uPlot.iife.min.js", here);
    script.onload = () => resolve(window.uPlot);
    script.onerror = () => reject(new Error("the chart library was not reached"));
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("uPlot.min.css", here);
    document.head.append(style, script);
  });
  return library;
}

// make an element with attributes and children.
function make(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") e.addEventListener(key, value);
    else if (value !== false && value != null) e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter((c) => c != null));
  return e;
}

// remembered is a set of words in a parameter of the page's address.
function remembered(name) {
  const words = () => new Set((new URLSearchParams(location.search).get(name) ?? "").split(",").filter(Boolean));
  return {
    has: (word) => words().has(word),
    set(word, on) {
      const all = words();
      on ? all.add(word) : all.delete(word);
      const address = new URL(location.href);
      all.size ? address.searchParams.set(name, [...all].join(",")) : address.searchParams.delete(name);
      history.replaceState(history.state, "", address);
    },
  };
}
const tables = remembered("table"), hidden = remembered("off");

const dashes = { secondary: [4, 3], 2: [8, 3], 3: [2, 2], 4: [10, 3, 2, 3], 5: [6, 2, 1, 2], 6: [1, 3] };

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.small = "small" in figure.dataset;
    this.title = figure.querySelector("figcaption")?.firstChild?.textContent.trim() ?? "";
    this.plot = make("div", { class: "plot", role: "img", "aria-label": this.title });
    this.legend = make("ul", { class: "legend", "aria-label": "Series" });
    this.table = make("div", { class: "wide", role: "region", "aria-label": this.title + ", as a table", tabindex: "0" });
    this.note = make("p", { class: "note", role: "status" });
    this.toggle = make("button", { type: "button", "aria-pressed": "false", click: () => this.asTable(!tables.has(figure.id)) }, "Table");
    this.tools = make("div", { class: "tools" }, this.toggle,
      make("a", { href: this.address("csv"), download: figure.id + ".csv" }, "CSV"),
      this.small ? null : make("button", { type: "button", click: () => this.savePicture() }, "PNG"));
    figure.querySelector("noscript")?.remove();
    figure.append(this.tools, this.plot, this.legend, this.table, this.note);
    this.show(tables.has(figure.id));
    this.state("loading", "Loading …");
    new ResizeObserver(() => this.resize()).observe(this.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.asked = 0;
  }

  address(format) {
    const address = new URL(this.figure.dataset.chart, location.href);
    if (format) address.searchParams.set("format", format);
    return address.pathname + address.search;
  }

  state(name, text = "") {
    this.figure.dataset.state = name;
    this.note.replaceChildren(text);
    if (name === "error") this.note.append(" ", make("button", { type: "button", click: () => this.refresh() }, "Try again"));
  }

  // refresh asks for the numbers, at most every refreshEvery, and draws them if they are new.
  async refresh() {
    const wait = this.asked + refreshEvery - Date.now();
    if (this.waiting || wait > 0 && this.figure.dataset.state !== "error") {
      this.waiting ||= setTimeout(() => { this.waiting = 0; this.refresh(); }, Math.max(wait, 0));
      return;
    }
    this.asked = Date.now();
    try {
      const [uPlot, answer] = await Promise.all([load(), fetch(this.address())]);
      const data = await answer.json();
      if (!answer.ok) throw new Error([data.error.what, data.error.hint].filter(Boolean).join(": "));
      this.uPlot = uPlot;
      const text = JSON.stringify(data);
      if (text === this.text) return;
      this.text = text;
      this.data = data;
      this.draw();
    } catch (error) {
      this.text = null;
      this.state("error", error instanceof TypeError ? "These numbers were not reached." : error.message);
    }
  }

  draw() {
    if (!this.data) return;
    this.drawing?.destroy();
    this.drawing = null;
    this.legend.replaceChildren();
    this.table.replaceChildren();
    if (this.data.series.length === 0 || this.data.at.length < (this.small ? 2 : 1)) {
      this.state("empty", this.figure.dataset.empty ?? "Nothing is measured yet.");
      return;
    }
    this.state("drawn");
    this.colours = colours(this.figure);
    this.drawLegend();
    this.drawTable();
    this.plot.setAttribute("aria-label", describe(this.title, this.data));
    if (this.plot.clientWidth > 0) this.drawPlot();
  }

  drawPlot() {
    const { series, bands, columns } = this.lines();
    const axes = this.small ? [{ show: false }, { show: false }] : [this.axis(this.data.x), this.axis(this.data.y, 1)];
    this.drawing = new this.uPlot({
      width: this.plot.clientWidth, height: this.plot.clientHeight, padding: this.small ? [3, 3, 3, 3] : [10, this.data.x.unit === "time" ? 32 : 24, 0, 0],
      legend: { show: false }, cursor: { show: !this.small, y: false, drag: { x: false, y: false } },
      scales: { x: this.scale(this.data.x, this.data.at), y: this.scale(this.data.y, columns.slice(1).flat()) },
      axes, series, bands, hooks: { draw: [(u) => this.drawMarks(u)], setCursor: [(u) => this.say(u.cursor.idx)] },
    }, columns, this.plot);
  }

  // lines are the series as uPlot takes them: bounds are two lines that are not seen, with what is between.
  lines() {
    const series = [{}], bands = [], columns = [this.data.at], { paths } = this.uPlot;
    this.data.series.forEach((s, i) => {
      const stroke = this.colours[s.tone] ?? this.colours["1"], show = !hidden.has(this.key(s));
      if (s.low) {
        columns.push(s.high, s.low);
        series.push({ show, stroke: "transparent", points: { show: false } }, { show, stroke: "transparent", points: { show: false } });
        bands.push({ series: [series.length - 2, series.length - 1], fill: fade(stroke, 0.2) });
      }
      columns.push(s.values);
      series.push({
        label: s.label, show, stroke, width: this.small ? 1.5 : 2, dash: this.small ? undefined : dashes[s.tone], spanGaps: false,
        fill: s.form === "bars" ? fade(stroke, 0.5) : s.form === "steps" && this.data.y.scale === "linear" ? fade(stroke, 0.1) : undefined,
        paths: s.form === "bars" ? paths.bars({ size: [0.8, 60] }) : s.form === "steps" ? paths.stepped({ align: 1 }) : undefined,
        points: s.form === "line" && this.data.at.length < 3 ? { show: true, size: 6, fill: stroke } : { show: false },
      });
      s.at = i;
    });
    return { series, bands, columns };
  }

  scale(axis, values) {
    const numbers = values.concat((axis === this.data.y ? this.data.limits ?? [] : []).map((m) => m.at)).filter((v) => v != null);
    let low = Math.min(...numbers), high = Math.max(...numbers);
    if (axis.range) [low, high] = axis.range;
    else if (axis === this.data.y) [low, high] = room(axis, low, high);
    else if (low === high) [low, high] = axis.scale === "log" ? [low / 2, high * 2] : axis.unit === "time" ? [low - 60, high + 60] : [low - 1, high + 1];
    const laid = { linear: { distr: 1 }, log: { distr: 3 }, root: { distr: 100, fwd: Math.cbrt, inv: (v) => v ** 3 },
      tail: { distr: 100, fwd: (v) => -Math.log10(1 - v), inv: (v) => 1 - 10 ** -v } }[axis.scale];
    return { time: axis.unit === "time", range: [low, high], ...laid };
  }

  axis(axis, side = 0) {
    const c = this.colours, scale = side ? "y" : "x";
    return {
      label: side ? undefined : axis.label + unitOf(axis), labelSize: 16, labelFont: c.font, labelGap: 0, font: c.font, stroke: c.quiet,
      size: side ? 46 : 24, gap: side ? 4 : 6, grid: { stroke: c.rule, width: 1 }, ticks: { show: false },
      // Where there is room for a label of its own: 58 pixels along, 22 up.
      splits: (u) => {
        const { min, max } = u.scales[scale], room = side ? 22 : axis.unit === "time" ? 80 : 58;
        return ticks(axis, min, max, (v) => u.valToPos(v, scale), room);
      },
      filter: (_, all) => all,
      values: (_, all) => all.map((v) => label(axis.unit, v, all)),
    };
  }

  // drawMarks draws limits across, and what happened down.
  drawMarks(u) {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    const line = (x1, y1, x2, y2, label, colour) => {
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([4 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x1, y1);
      ctx.lineTo(x2, y2);
      ctx.stroke();
      if (!this.small) {
        ctx.font = this.colours.font.replace(/(\d+)px/, (_, n) => n * ratio + "px");
        ctx.textAlign = "right";
        ctx.fillText(label, x2 - 4 * ratio, y1 + (y1 === y2 ? -5 : 12) * ratio);
      }
      ctx.restore();
    };
    for (const m of this.data.limits ?? []) {
      const y = u.valToPos(m.at, "y", true);
      line(bbox.left, y, bbox.left + bbox.width, y, m.label, this.colours.holds);
    }
    for (const m of this.data.events ?? []) {
      const x = u.valToPos(m.at, "x", true);
      if (x >= bbox.left) line(x, bbox.top, x, bbox.top + bbox.height, m.label, this.colours.quiet);
    }
  }

  key(series) { return this.figure.id + ":" + series.label.replaceAll(",", " "); }

  drawLegend() {
    this.outputs = this.data.series.map((s) => {
      const swatch = make("canvas", { width: 44, height: 16, "aria-hidden": "true" });
      stroke(swatch, this.colours[s.tone] ?? this.colours["1"], dashes[s.tone]);
      const value = make("span", { class: "value" });
      const button = make("button", { type: "button", "aria-pressed": String(!hidden.has(this.key(s))), click: () => {
        hidden.set(this.key(s), !hidden.has(this.key(s)));
        this.draw();
        this.legend.children[s.at]?.querySelector("button").focus();
      } }, swatch, s.label);
      this.legend.append(make("li", {}, button, value));
      return value;
    });
    this.place = make("li", { class: "place" });
    this.legend.append(this.place);
  }

  // say tells the numbers under the pointer.
  say(i) {
    this.place.textContent = i == null ? "" : this.data.x.label + " " + format(this.data.x.unit, this.data.at[i], true);
    this.data.series.forEach((s, n) => {
      const v = i == null ? null : s.values[i];
      this.outputs[n].textContent = v == null ? "" : format(this.data.y.unit, v, true) + (s.low ? ` (${format(this.data.y.unit, s.low[i], true)} – ${format(this.data.y.unit, s.high[i], true)})` : "");
    });
  }

  drawTable() {
    const { x, y, at, series } = this.data;
    const heads = [x.label + unitOf(x)], cells = [(i) => format(x.unit, at[i], true)];
    for (const s of series) {
      heads.push(s.label);
      cells.push((i) => format(y.unit, s.values[i], true));
      if (!s.low) continue;
      heads.push(s.label + ", low", s.label + ", high");
      cells.push((i) => format(y.unit, s.low[i], true), (i) => format(y.unit, s.high[i], true));
    }
    this.table.append(make("table", {},
      make("caption", {}, `${this.title}: ${y.label}${unitOf(y)}`),
      make("thead", {}, make("tr", {}, ...heads.map((h, i) => make("th", { scope: "col", class: i > 0 && "n" }, h)))),
      make("tbody", {}, ...at.map((_, i) => make("tr", {}, ...cells.map((c, n) => make(n ? "td" : "th", { scope: n ? null : "row", class: n > 0 && "n" }, c(i))))))));
  }

  asTable(on) {
    tables.set(this.figure.id, on);
    this.show(on);
    if (!on && this.data && !this.drawing) this.draw();
  }

  show(table) {
    this.figure.classList.toggle("as-table", table);
    this.toggle.setAttribute("aria-pressed", String(table));
    this.table.hidden = !table;
    this.plot.hidden = this.legend.hidden = table;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!width || !height || this.figure.dataset.state !== "drawn") return;
    if (!this.drawing) this.drawPlot();
    else if (this.drawing.width !== width || this.drawing.height !== height) this.drawing.setSize({ width, height });
  }

  // savePicture makes a PNG of the drawing on the page's ground, with its title and legend.
  savePicture() {
    if (!this.drawing) return;
    const from = this.drawing.ctx.canvas, ratio = devicePixelRatio, top = 34 * ratio, below = 20 * ratio * this.data.series.length + 12 * ratio;
    const to = make("canvas", { width: from.width, height: from.height + top + below }), ctx = to.getContext("2d");
    ctx.fillStyle = this.colours.paper;
    ctx.fillRect(0, 0, to.width, to.height);
    ctx.drawImage(from, 0, top);
    ctx.fillStyle = this.colours.ink;
    ctx.font = `600 ${15 * ratio}px ${this.colours.family}`;
    ctx.fillText(this.title, 10 * ratio, 22 * ratio);
    ctx.font = `${12 * ratio}px ${this.colours.family}`;
    this.data.series.forEach((s, i) => {
      const y = top + from.height + (18 + 20 * i) * ratio;
      ctx.fillStyle = this.colours[s.tone] ?? this.colours["1"];
      ctx.fillRect(10 * ratio, y - 6 * ratio, 18 * ratio, 3 * ratio);
      ctx.fillStyle = this.colours.ink;
      ctx.fillText(s.label, 36 * ratio, y);
    });
    to.toBlob((picture) => {
      const link = make("a", { href: URL.createObjectURL(picture), download: this.figure.id + ".png" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
}

const unitOf = (axis) => ({ ms: " (ms)", MB: " (MB)", USD: " ($)", time: " (UTC)" })[axis.unit] ?? "";

// room is a range that leaves some above, and on a linear axis goes down to zero.
function room(axis, low, high) {
  switch (axis.scale) {
    case "log": return [low / 1.3, high * 1.3];
    case "tail": return [0, Math.min(0.99999, 1 - (1 - high) / 1.5)];
    case "root": return [0, Math.min(1, Math.max(high * 1.3, 0.001))];
  }
  return high > 0 ? [Math.min(low, 0), high * 1.1] : [Math.min(low, 0), axis.unit === "share" ? 0.01 : 1];
}

// colours reads what the style sheet says of tones.
function colours(element) {
  const style = getComputedStyle(element), all = { font: `12px ${style.fontFamily}`, family: style.fontFamily };
  const probe = make("span", { hidden: true });
  element.append(probe);
  for (const name of ["control", "secondary", "holds", "refuted", "inconclusive", "1", "2", "3", "4", "5", "6", "ink", "quiet", "rule", "paper"]) {
    probe.className = "tone-" + name;
    all[name] = getComputedStyle(probe).color; // light-dark() as it is now
  }
  probe.remove();
  return all;
}

function fade(colour, share) {
  const [r, g, b] = colour.match(/[\d.]+/g);
  return `rgba(${r}, ${g}, ${b}, ${share})`;
}

function stroke(canvas, colour, dash) {
  const ctx = canvas.getContext("2d");
  ctx.strokeStyle = colour;
  ctx.lineWidth = 4;
  ctx.setLineDash((dash ?? []).map((n) => 2 * n));
  ctx.beginPath();
  ctx.moveTo(2, 8);
  ctx.lineTo(42, 8);
  ctx.stroke();
}

// describe puts into a sentence what each series comes to.
function describe(title, { x, y, at, series }) {
  const last = series.map((s) => {
    const i = s.values.findLastIndex((v) => v != null);
    return i < 0 ? `${s.label}: nothing known` : `${s.label}: ${format(y.unit, s.values[i], true)} at ${x.label.toLowerCase()} ${format(x.unit, at[i], true)}`;
  });
  return `${title}. ${last.join("; ")}. The table has all numbers.`;
}

const drawn = new Map();

// find makes charts of the figures that are new, as soon as they are nearly in sight.
function find() {
  for (const [figure] of drawn) if (!figure.isConnected) drawn.delete(figure);
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    if (drawn.has(figure)) continue;
    const chart = new Chart(figure);
    drawn.set(figure, chart);
    sight.observe(figure);
  }
}

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const chart = drawn.get(entry.target);
    if (!chart) continue;
    chart.seen = entry.isIntersecting;
    if (chart.seen) chart.refresh();
  }
}, { rootMargin: "200px" });

export function start() {
  find();
  document.addEventListener("assay:redrawn", find);
  document.addEventListener("assay:changed", () => drawn.forEach((chart) => chart.seen && chart.refresh()));
}
