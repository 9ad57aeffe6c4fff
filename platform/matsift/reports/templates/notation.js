"use strict";
// How numbers, formulae and symbols are written: the same signs as in the rows that stand in the page as text.
window.matsift = (() => {
  const data = JSON.parse(document.getElementById("candidate-data").textContent);
  const MINUS = "\u2212", THIN = "\u202f", NONE = "\u2013";

  const node = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "class") made.className = value;
      else made.setAttribute(key, value === true ? "" : String(value));
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const number = (value, digits) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
    const [whole, part] = Math.abs(value).toFixed(digits).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
    const text = part === undefined ? grouped : `${grouped}.${part}`;
    return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
  };
  const significant = (value, digits = 4) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
    if (value === 0) return "0";
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    const power = Number(exponent);
    const text = power < -4 || power >= digits
      ? `${Number(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`
      : String(Number(value.toPrecision(digits)));
    return text.replaceAll("-", MINUS);
  };
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const pieces = (text, pattern, make) => text.split(pattern).map((part, n) => (n % 2 ? make(part) : part));
  const sub = (text) => node("sub", {}, text);
  const formula = (text) =>
    text.split(/((?<=[A-Za-z)\]])\d+(?:\.\d+)?)/).map((part, n) => (n % 2 ? sub(part) : part));
  const group = (text) => {
    const made = [];
    for (const part of text.split(/(_\d|-\d)/)) {
      if (/^_\d$/.test(part)) made.push(sub(part[1]));
      else if (/^-\d$/.test(part)) made.push(node("span", { class: "bar" }, part[1]));
      else made.push(part);
    }
    return made;
  };
  const symbols = new RegExp(`(${data.symbols.join("|")})`);
  const words = (text) =>
    pieces(text, symbols, (known) => {
      const [letter, index] = known.split("_");
      return node("span", {}, letter, sub(index));
    });
  const inUnit = (text, unit) => (unit ? `${text} ${unit}` : text);
  const coded = (column, n) => column.words[column.at[n]];

  const OUTCOMES = { p: ["passed", "\u2713"], f: ["failed", "\u2717"], u: ["unknown", "?"] };
  const chip = (kind, sign, ...text) => node("span", { class: `chip ${kind}` }, node("span", { "aria-hidden": "true" }, sign), " ", ...text);
  const seen = (criterion, n) => {
    const value = criterion.seen[n], detail = coded(criterion.detail, n);
    return [value === null ? "" : inUnit(significant(value), criterion.unit), detail ? `(${detail})` : ""].filter(Boolean).join(" ");
  };
  const criteria = (n) =>
    data.criteria.filter(({ outcome }) => outcome[n] in OUTCOMES).map((criterion) => {
      const [outcome, sign] = OUTCOMES[criterion.outcome[n]];
      return { name: criterion.name, outcome, sign, seen: seen(criterion, n) };
    });
  const links = (n) =>
    data.links.rows[n].map((at) => {
      const id = data.links.id[at];
      const url = coded(data.links.url, at);
      return { id, source: coded(data.links.source, at), licence: coded(data.links.licence, at), url: url && url.replace("*", () => id) };
    });
  const anchor = (url, text) => (url ? node("a", { href: url, rel: "noopener noreferrer" }, text) : text);
  return { data, node, number, significant, percent, formula, group, words, inUnit, coded, chip, criteria, links, anchor, NONE };
})();
