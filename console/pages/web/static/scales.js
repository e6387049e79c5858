// Numbers as people read them, and where an axis has ticks.

const digits = (v, n) => Number(v.toPrecision(n)).toLocaleString("en", { maximumSignificantDigits: n });

// format writes a number of a unit; exact where it stands alone.
export function format(unit, v, exact = false) {
  if (v == null) return "–";
  switch (unit) {
    case "share": {
      const text = digits(v * 100, exact ? 4 : 6);
      return (v < 1 && text === "100" ? ">99.99" : text) + "%";
    }
    case "time":
      return new Date(v * 1000).toISOString().replace("T", " ").slice(0, exact ? 19 : 16);
    case "USD":
      return "$" + digits(v, 3);
    case "count":
      return v >= 1e6 && !exact ? digits(v / 1e6, 3) + "M" : v >= 1e4 && !exact ? digits(v / 1e3, 3) + "k" : digits(v, 6);
  }
  return digits(v, exact ? 4 : 3);
}

// ticks are where an axis says what it is at, in so many pixels of the screen.
export function ticks({ scale }, low, high, pixels) {
  const many = Math.max(2, Math.floor(pixels / devicePixelRatio / 60));
  switch (scale) {
    case "log": return logTicks(low, high, many);
    case "root": return within([0, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 1], low, high);
    case "tail": return within([0, 0.5, 0.9, 0.99, 0.999, 0.9999], low, high);
  }
  const step = niceStep((high - low) / many);
  const all = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) all.push(Number(v.toPrecision(12)));
  return all;
}

const within = (all, low, high) => all.filter((v) => v >= low && v <= high);

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return power * [1, 2, 5, 10].find((n) => n * power >= rough);
}

function logTicks(low, high, many) {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const all = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const n of steps) all.push(Number((n * 10 ** power).toPrecision(6)));
    }
    const fit = within(all, low, high);
    if (fit.length <= many || steps.length === 1) return fit;
  }
  return [];
}
