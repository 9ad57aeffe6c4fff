"use strict";
// A table of which only the rows in sight are drawn; sorting and filtering go over all of them.
(() => {
  const { data, node, number, formula, group, words, coded, chip, criteria, links, anchor, NONE } = window.matsift;
  const ROW = 88; // CSS pixels, as --row in the style
  const MORE = 6; // rows drawn beyond either edge
  const PRINTED = 100;

  const quantity = (property, value) => number(value, property.decimals);
  const range = (property, n) => `${quantity(property, property.lower[n])} to ${quantity(property, property.upper[n])}`;
  const cell = (name, attributes, ...children) => node(name, attributes, node("div", { class: "clip" }, ...children));
  const unknown = () => node("td", { class: "number" }, NONE);

  // one entry a column: what stands in a row, and what the column is sorted by
  const predicted = (property) => ({
    key: (n) => property.mean[n],
    draw: (n) =>
      property.mean[n] === null
        ? unknown()
        : cell("td", { class: "number nowrap" }, node("b", {}, quantity(property, property.mean[n])), ` ± ${quantity(property, property.spread[n])}`,
            node("small", {}, range(property, n))),
  });
  const computed = (property) => ({
    key: (n) => property.value[n],
    draw: (n) => (property.value[n] === null ? unknown() : cell("td", { class: "number nowrap" }, node("b", {}, quantity(property, property.value[n])))),
  });
  const dimension = {
    key: (n) => data.mobility.dimension[n],
    draw: (n) => {
      const value = data.mobility.dimension[n];
      return value === null ? unknown() : cell("td", { class: "number nowrap" }, node("b", {}, value ? `${value}D` : "none"));
    },
  };
  const barrier = {
    key: (n) => data.mobility.barrier[n],
    draw: (n) => {
      const told = coded(data.mobility.words, n);
      return cell("td", { class: "number" }, node("b", {}, number(data.mobility.barrier[n], 2)), told ? node("small", {}, told) : "");
    },
  };
  const verdicts = (n) => {
    const all = criteria(n);
    const passed = all.filter(({ outcome }) => outcome === "passed").length;
    const others = all.filter(({ outcome }) => outcome !== "passed");
    const warnings = coded(data.flags, n).split("\n").filter(Boolean);
    return [
      ...others.filter(({ outcome }) => outcome === "failed").map((one) => chip("failed", one.sign, `failed: ${one.name}`, one.seen ? node("span", { class: "seen" }, ` ${one.seen}`) : "")),
      ...warnings.map((text) => chip("unknown", "!", words(text))),
      ...others.filter(({ outcome }) => outcome === "unknown").map((one) => chip("unknown", one.sign, `unknown: ${one.name}`)),
      all.length ? chip("passed", "\u2713", `passed: ${passed} of ${all.length}`) : "",
    ];
  };
  const COLUMNS = {
    rank: { key: (n) => n, draw: (n) => cell("td", { class: "number rank" }, String(n + 1)) },
    material: {
      key: (n) => data.formula[n],
      draw: (n) =>
        cell("th", { scope: "row", class: "material" },
          node("button", { type: "button", class: "open", "aria-haspopup": "dialog", tabindex: "-1" }, node("span", { class: "formula" }, formula(data.formula[n]))),
          node("span", { class: "group" }, group(coded(data.group, n))), node("code", { title: data.hash[n] }, data.hash[n].slice(0, 10))),
    },
    dimension, barrier,
    state: {
      key: (n) => coded(data.state, n),
      draw: (n) => cell("td", { class: "states" }, node("span", { class: `state ${coded(data.state, n)}` }, coded(data.state, n)), methods(n).map((text) => node("small", {}, text))),
    },
    criteria: { key: (n) => data.criteria.reduce((sum, { outcome }) => sum + (outcome[n] === "p"), 0), draw: (n) => cell("td", { class: "criteria" }, verdicts(n)) },
    why: { key: (n) => data.reason[n], draw: (n) => cell("td", { class: "why" }, words(data.reason[n])) },
    source: {
      key: (n) => links(n).map(({ source, id }) => `${source} ${id}`)[0] ?? null,
      draw: (n) => cell("td", { class: "sources" }, links(n).map((link) => node("span", { title: link.licence }, `${link.source} `, anchor(link.url, link.id)))),
    },
  };
  data.properties.forEach((property, at) => {
    COLUMNS[`mean-${at}`] = predicted(property);
    if (property.value) COLUMNS[`value-${at}`] = computed(property);
  });
  const methods = (n) => [...new Set(data.properties.map((property) => coded(property.method, n)).filter(Boolean))];

  const TOLD = { p: "passed", f: "failed", u: "unknown", "-": "not asked" };
  const haystacks = [];
  const haystack = (n) =>
    (haystacks[n] ??= [
      data.formula[n], coded(data.group, n), data.hash[n], coded(data.state, n), ...methods(n), coded(data.flags, n), data.reason[n],
      ...data.criteria.map(({ name, outcome }) => `${TOLD[outcome[n]]}: ${name}`),
      ...data.links.rows[n].map((at) => `${coded(data.links.source, at)} ${data.links.id[at]}`),
    ].join(" ").toLowerCase());
  const plain = (text) => text.toLowerCase().replaceAll("_", "");
  // "K_VRH>50" asks for a number, "-Cl" for what must not be there, anything else for a text
  const test = (word) => {
    const asked = /^([^<>]+)([<>])(-?[\d.]+)$/.exec(word);
    const property = asked && data.properties.find(({ name, symbol }) => [plain(name), plain(symbol)].includes(plain(asked[1])));
    if (property) {
      const sign = asked[2] === ">" ? 1 : -1;
      return (n) => property.mean[n] !== null && sign * (property.mean[n] - Number(asked[3])) > 0;
    }
    if (/^-[a-z]/i.test(word)) {
      const element = new RegExp(`${word.slice(1)}(?![a-z])`, "i");
      return (n) => !element.test(data.formula[n]);
    }
    return (n) => haystack(n).includes(word.toLowerCase());
  };
  const { compare: inOrder } = new Intl.Collator("en", { numeric: true });
  const compare = (a, b, sign) => {
    const [x, y] = [a.key, b.key];
    if (x === null || y === null || x === "" || y === "") return (x === null || x === "") - (y === null || y === "") || a.n - b.n; // the unknown last
    const order = typeof x === "number" ? x - y : inOrder(x, y);
    return sign * order || a.n - b.n;
  };

  class CandidateTable {
    constructor(table, first, last) {
      Object.assign(this, { table, first, box: table.closest(".table-box"), body: table.tBodies[0], active: 0, drawn: new Map(), onPaper: false });
      this.every = Array.from({ length: last - first }, (_, i) => first + i);
      this.sorted = this.shown = this.every;
      this.heads = [...table.tHead.rows[0].cells];
      this.columns = this.heads.map((head) => COLUMNS[head.dataset.column]);
      this.count = document.querySelector(`[data-count="${table.id}"]`);
      table.classList.add("windowed");
      table.setAttribute("aria-rowcount", String(this.every.length + 1));
      [this.above, this.below] = [0, 1].map(() => node("tr", { class: "gap", "aria-hidden": "true" }, node("td", { colspan: this.heads.length })));
      this.body.replaceChildren(this.above, this.below);
      this.heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => this.sort(head, at)));
      this.box.addEventListener("scroll", () => this.draw(), { passive: true });
      this.body.addEventListener("keydown", (event) => this.press(event));
      this.body.addEventListener("click", (event) => this.click(event));
      new ResizeObserver(() => this.draw()).observe(this.box);
      document.querySelector(`input[data-table="${table.id}"]`).addEventListener("input", (event) => this.filter(event.target.value));
      matchMedia("print").addEventListener("change", ({ matches }) => this.print(matches));
      this.draw();
    }
    row(at) {
      const n = this.shown[at];
      const made = node("tr", { "data-structure": data.hash[n], "aria-rowindex": at + 2, class: at % 2 ? "even" : null }, this.columns.map((column) => column.draw(n)));
      made.querySelector(".open").tabIndex = at === this.active ? 0 : -1;
      return made;
    }
    range() {
      if (this.onPaper) return [0, Math.min(PRINTED, this.shown.length)];
      const height = this.box.clientHeight || 600;
      const start = Math.max(0, Math.floor(this.box.scrollTop / ROW) - MORE);
      return [Math.min(start, this.shown.length), Math.min(this.shown.length, Math.ceil((this.box.scrollTop + height) / ROW) + MORE)];
    }
    draw() {
      const [start, end] = this.range();
      for (const [at, row] of this.drawn) if (at < start || at >= end) { row.remove(); this.drawn.delete(at); }
      let next = this.above.nextSibling;
      for (let at = start; at < end; at += 1) {
        if (this.drawn.has(at)) { next = this.drawn.get(at).nextSibling; continue; }
        const row = this.row(at);
        this.body.insertBefore(row, next);
        this.drawn.set(at, row);
      }
      this.above.firstChild.style.height = `${start * ROW}px`;
      this.below.firstChild.style.height = `${Math.max(0, this.shown.length - end) * ROW}px`;
      this.above.hidden = this.onPaper || start === 0;
      this.below.hidden = this.onPaper || end === this.shown.length;
    }
    renew() {
      this.drawn.forEach((row) => row.remove());
      this.drawn.clear();
      this.active = 0;
      this.box.scrollTop = 0;
      this.draw();
    }
    sort(head, at) {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      this.heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const keyed = this.every.map((n) => ({ n, key: this.columns[at].key(n) }));
      this.sorted = keyed.sort((a, b) => compare(a, b, ascending ? 1 : -1)).map(({ n }) => n);
      this.narrow();
    }
    filter(text) {
      this.tests = text.split(/\s+/).filter(Boolean).map(test);
      this.narrow();
      const [all, left] = [this.every, this.shown].map(({ length }) => number(length, 0));
      this.count.textContent = this.tests.length ? `${left} of ${all} rows` : `${all} rows`;
    }
    narrow() {
      this.shown = this.tests?.length ? this.sorted.filter((n) => this.tests.every((passes) => passes(n))) : this.sorted;
      this.renew();
    }
    focus(at) {
      const to = Math.min(Math.max(at, 0), this.shown.length - 1);
      if (to < 0) return;
      const head = this.table.tHead.offsetHeight;
      const top = to * ROW;
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      else if (top + ROW + head > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + ROW + head - this.box.clientHeight;
      this.active = to;
      this.draw();
      this.drawn.forEach((row, other) => { row.querySelector(".open").tabIndex = other === to ? 0 : -1; });
      this.drawn.get(to).querySelector(".open").focus({ preventScroll: true });
    }
    press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest(".open")) return;
      const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 1);
      const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: this.shown.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.focus(to);
    }
    click(event) {
      const row = event.target.closest("tr[data-structure]");
      if (!row || event.target.closest("a") || String(getSelection())) return;
      this.active = Number(row.getAttribute("aria-rowindex")) - 2;
      window.matsift.open(this, this.active);
    }
    print(isPaper) {
      this.onPaper = isPaper;
      this.table.classList.toggle("windowed", !isPaper);
      this.draw();
    }
  }
  const tables = { "table-ranked": [0, data.n_ranked], "table-left-out": [data.n_ranked, data.hash.length] };
  window.matsift.tables = Object.entries(tables)
    .filter(([id]) => document.getElementById(id))
    .map(([id, [first, last]]) => new CandidateTable(document.getElementById(id), first, last));
})();
