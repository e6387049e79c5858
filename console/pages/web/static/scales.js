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

// label is what an axis says at one of its ticks; times as short as they can be told apart.
export function label(unit, v, all) {
  if (unit !== "time") return format(unit, v);
  const text = new Date(v * 1000).toISOString(), day = text.slice(5, 10), minute = text.slice(11, 16);
  if (all.some((t) => t % 60 > 0)) return text.slice(11, 19);
  return all.length > 1 && all[1] - all[0] >= 86400 ? day : v === all[0] && minute === "00:00" ? day : minute;
}

// ticks are where an axis says what it is at: as many as have room, so many pixels apart, as place tells.
export function ticks(axis, low, high, place, room) {
  const many = Math.max(1, Math.floor(Math.abs(place(high) - place(low)) / room));
  const all = candidates(axis, low, high, many).filter((v) => v >= low && v <= high);
  let last = null;
  return all.filter((v) => {
    const fits = last === null || Math.abs(place(v) - place(last)) >= room;
    if (fits) last = v;
    return fits;
  });
}

function candidates({ scale, unit }, low, high, many) {
  switch (scale) {
    case "log": return logTicks(low, high, many);
    case "root": return [0, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 1];
    case "tail": return [0, 0.5, 0.9, 0.99, 0.999, 0.9999];
  }
  const step = unit === "time" ? timeStep((high - low) / many) : niceStep((high - low) / many, unit === "count" ? 1 : 0);
  const all = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) all.push(Number(v.toPrecision(12)));
  return all;
}

// niceStep is 1, 2 or 5 times a power of ten.
function niceStep(rough, least) {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return Math.max(least, power * [1, 2, 5, 10].find((n) => n * power >= rough));
}

const minute = 60, hour = 60 * minute, day = 24 * hour;
const timeStep = (rough) => [1, 2, 5, 10, 30].flatMap((n) => [n, n * minute]).sort((a, b) => a - b).concat([1, 3, 6, 12].map((n) => n * hour), day, 2 * day, 7 * day).find((s) => s >= rough) ?? 30 * day;

// logTicks are powers of ten, with 2 and 5 times or 3 times these between if they have room.
function logTicks(low, high, many) {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const all = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const n of steps) all.push(Number((n * 10 ** power).toPrecision(6)));
    }
    if (all.filter((v) => v >= low && v <= high).length <= many || steps.length === 1) return all;
  }
  return [];
}
