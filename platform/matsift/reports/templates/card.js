"use strict";
// The card of one candidate: all that the page knows of it, one at a time, in a dialog that Escape closes.
(() => {
  const { data, node, number, percent, formula, group, words, inUnit, coded, chip, criteria, links, anchor, NONE } = window.matsift;
  const card = document.getElementById("card");
  const part = (name) => card.querySelector(`.card-${name}`);
  const places = new Map(data.hash.map((hash, n) => [hash, n]));
  const SVG = "http://www.w3.org/2000/svg";
  const state = { table: null, at: 0 };

  const svg = (name, attributes, text) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const table = (heads, rows) =>
    node("div", { class: "table-box" }, node("table", {},
      node("thead", {}, node("tr", {}, heads.map((head) => node("th", { scope: "col", class: head.startsWith("#") ? "number" : null }, head.replace("#", ""))))),
      node("tbody", {}, rows.map((row) => node("tr", {}, row.map((text, at) => node("td", { class: heads[at].startsWith("#") ? "number nowrap" : null }, text)))))));
  const quantity = (property, value) => inUnit(number(value, property.decimals), property.unit);

  // the interval on the scale of all ranked candidates: a bar, the mean as a line, what was computed as a diamond
  const scales = data.properties.map(({ lower, upper, value }) => {
    const all = [...lower, ...upper, ...(value ?? [])].filter((known) => known !== null);
    return all.length ? all.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [Infinity, -Infinity]) : [0, 1];
  });
  const bar = (property, at, n) => {
    const [low, high] = scales[at];
    const x = (value) => (high > low ? (198 * (value - low)) / (high - low) + 1 : 100);
    const made = svg("svg", { viewBox: "0 0 200 16", class: "interval", "aria-hidden": "true" });
    made.append(svg("line", { x1: 0, x2: 200, y1: 8, y2: 8, class: "axis" }));
    if (property.lower[n] !== null && property.upper[n] !== null)
      made.append(svg("rect", { x: x(property.lower[n]), y: 5, width: Math.max(1, x(property.upper[n]) - x(property.lower[n])), height: 6, rx: 3 }));
    made.append(svg("line", { x1: x(property.mean[n]), x2: x(property.mean[n]), y1: 1, y2: 15, class: "mean" }));
    const value = property.value?.[n] ?? null;
    if (value !== null) made.append(svg("path", { d: `M${x(value)} 2l6 6l-6 6l-6-6z`, class: "computed" }));
    return made;
  };
  const predictions = (n) => {
    const rows = data.properties.map((property, at) => {
      if (property.mean[n] === null) return [words(property.symbol), NONE, "", "", NONE];
      const interval = `${number(property.lower[n], property.decimals)} to ${quantity(property, property.upper[n])}`;
      const value = property.value?.[n] ?? null;
      return [
        node("span", { title: property.definition }, words(property.symbol)),
        [node("b", {}, number(property.mean[n], property.decimals)), ` ± ${quantity(property, property.spread[n])}`],
        property.coverage === null ? interval : `${interval} (${percent(property.coverage)})`,
        bar(property, at, n),
        value === null ? NONE : [node("b", {}, quantity(property, value)), node("small", {}, coded(property.method, n))],
      ];
    });
    return table(["Property", "#Predicted", "#Interval", "Among all", "#Computed"], rows);
  };
  const outcomes = (n) => {
    const all = criteria(n);
    return all.length ? table(["Criterion", "Outcome", "Value seen"], all.map((one) => [one.name, chip(one.outcome, one.sign, one.outcome), one.seen || NONE])) : null;
  };
  const mobility = (n) => {
    const told = data.mobility && coded(data.mobility.words, n);
    return told ? node("p", {}, `${data.mobility.ion} paths: ${told}`) : null;
  };

  const known = (hash, text) =>
    places.has(hash) ? node("button", { type: "button", class: "jump", "data-place": places.get(hash), title: "Open its card" }, formula(text)) : node("span", {}, formula(text));
  const neighbours = (all, last) =>
    table(["Structure", "Space group", "#Distance", last], all.map(([hash, text, symmetry, distance, told]) => [known(hash, text), group(symmetry), number(distance, 2), words(told)]));
  const similar = (detail) =>
    detail?.similar.length
      ? [node("p", { class: "note" }, "By the shape of the structure (fingerprints): 0 is the same crystal, two crystals picked at random lie about 1 apart."), neighbours(detail.similar, "Where it is from")]
      : null;
  const learned = (detail) =>
    detail?.learned.length
      ? detail.learned.flatMap((one) => [
          node("p", { class: "note" }, "Nearest labels behind ", words(one.symbol), `, in the columns that the model sees; 95 % of its training structures have another within ${number(one.limit, 2)}. `,
            one.far ? chip("unknown", "!", one.far) : ""),
          neighbours(one.nearest, "Label"),
        ])
      : null;

  const pattern = (detail) => {
    const lines = detail?.pattern;
    if (!lines) return null;
    const [low, high, base, top] = [5, 90, 118, 8];
    const x = (angle) => 10 + (672 * (angle - low)) / (high - low);
    const made = svg("svg", { viewBox: "0 0 700 142", class: "pattern", role: "img", "aria-label": `Expected powder pattern with ${lines.angle.length} lines` });
    made.append(svg("line", { x1: x(low), x2: x(high), y1: base, y2: base, class: "axis" }));
    for (let angle = 10; angle <= high; angle += 10) {
      made.append(svg("line", { x1: x(angle), x2: x(angle), y1: base, y2: base + 4, class: "axis" }), svg("text", { x: x(angle), y: base + 18, "text-anchor": "middle" }, String(angle)));
    }
    lines.angle.forEach((angle, i) => {
      const line = svg("line", { x1: x(angle), x2: x(angle), y1: base, y2: base - ((base - top) * lines.height[i]) / 1000, class: "line" });
      line.append(svg("title", {}, `${angle.toFixed(2)}°, ${(lines.height[i] / 10).toFixed(1)} %`));
      made.append(line);
    });
    const strongest = lines.angle.map((angle, i) => [angle, lines.height[i]]).sort((a, b) => b[1] - a[1]).slice(0, 5);
    const listed = strongest.map(([angle, height]) => `${angle.toFixed(2)}° (${Math.round(height / 10)})`).join(", ");
    return [made, node("p", { class: "note" }, `2θ in degrees at ${lines.wavelength} Å, ideal powder at rest: no texture, no widths. Strongest lines, of 100: ${listed}.`)];
  };
  const history = (detail) =>
    detail?.stories.length
      ? detail.stories.map((story) => [
          node("p", {}, words(story.words)),
          node("ol", { class: "steps" }, story.steps.map(([when, status, by, reason]) => node("li", {}, node("time", {}, when), " ", node("b", {}, status), by ? ` by ${by}` : "", reason ? `: ${reason}` : ""))),
        ])
      : null;
  const copy = (label, text) => node("button", { type: "button", class: "copy", "data-text": text }, label);
  const chain = (n) => {
    const entries = links(n).map((link) => node("li", {}, node("b", {}, "source entry"), ` ${link.source}: `, anchor(link.url, link.id), ` (${link.licence || "licence not stated"})`));
    const steps = data.chains.map(([symbol, ...all]) => [
      node("h4", {}, words(symbol)),
      node("ul", { class: "chain" }, all.map(([name, text]) => node("li", {}, node("b", {}, name), ` ${text}`))),
    ]);
    const command = `matsift why ${data.hash[n].slice(0, 12)}`;
    return [entries.length ? node("ul", { class: "chain" }, entries) : "", ...steps.flat(), node("p", { class: "note" }, "The whole chain, and what other models said: ", node("code", {}, command), " ", copy("Copy", command))];
  };

  // COD is asked for Na O12 P3 Zr2, without brackets.
  const counted = (text) => {
    const open = [new Map()];
    const add = (symbol, n) => open.at(-1).set(symbol, (open.at(-1).get(symbol) ?? 0) + n);
    for (const [, symbol, bracket, digits] of text.matchAll(/(?:([A-Z][a-z]?)|([()]))(\d*\.?\d*)/g)) {
      if (symbol) add(symbol, Number(digits || 1));
      else if (bracket === "(") open.push(new Map());
      else if (open.length > 1) [...open.pop()].forEach(([inner, n]) => add(inner, n * Number(digits || 1)));
    }
    return [...open[0]].map(([symbol, n]) => (n === 1 ? symbol : symbol + n));
  };
  const elsewhere = (n) => {
    const text = data.formula[n];
    const found = links(n).filter(({ url }) => url).map((link) => node("li", {}, anchor(link.url, `${link.source} ${link.id}`)));
    const search = /^[A-Za-z0-9().]+$/.test(text)
      ? [["Materials Project: this formula", `https://next-gen.materialsproject.org/materials?formula=${encodeURIComponent(text)}`],
         ["Crystallography Open Database: this formula", `https://www.crystallography.net/cod/result?formula=${encodeURIComponent(counted(text).sort().join(" "))}`]]
      : [];
    return node("ul", {}, found, search.map(([label, url]) => node("li", {}, anchor(url, label))));
  };
  const citation = (n) => {
    const entries = links(n);
    const named = new Set(entries.map(({ source }) => source));
    const about = data.cited.filter(([name]) => named.has(name));
    const others = data.cited.filter(([name]) => !named.has(name));
    const lines = [
      `${data.formula[n]}, structure ${data.hash[n]}, of the ${data.made.study}.`,
      ...entries.map(({ source, id, licence, url }) => `Structure: ${source}, entry ${id}${url ? ` <${url}>` : ""}, licence ${licence || "not stated"}.`),
      ...about.map(([name, told, version, licence]) => `Source: ${name}, version ${version || "not stated"}, licence ${licence}. ${told}`.trim()),
      ...others.map(([name, told, version, licence]) => `Labels and other structures: ${name}, version ${version || "not stated"}, licence ${licence}. ${told}`.trim()),
      ...data.made.models.length ? [`Predictions: ${data.made.models.slice(0, data.properties.length).join(", ")}; matsift ${data.made.code}.`] : [],
      ...data.made.paper ? [`Method: ${data.made.paper}.`.replace("..", ".")] : [],
    ];
    const text = lines.join("\n");
    return [node("pre", { class: "citation", tabindex: "0" }, text), copy("Copy the citation", text)];
  };

  const section = (title, made) => (made === null || made === undefined ? null : node("section", {}, node("h3", {}, title), made));
  const fill = (n) => {
    const detail = data.details[n];
    const isRanked = n < data.n_ranked;
    part("title").replaceChildren(...formula(data.formula[n]));
    part("about").replaceChildren(
      node("span", { class: "group" }, group(coded(data.group, n))), node("span", {}, isRanked ? `rank ${n + 1} of ${number(data.n_ranked, 0)}` : "left out"),
      node("span", { class: `state ${coded(data.state, n)}` }, coded(data.state, n)), node("code", {}, data.hash[n].slice(0, 12)), copy("Copy hash", data.hash[n]));
    part("why").replaceChildren(...words(data.reason[n]));
    part("flags").replaceChildren(...coded(data.flags, n).split("\n").filter(Boolean).map((text) => chip("unknown", "!", words(text))));
    const stage = card.querySelector("#structure-stage");
    const hasCrystal = Boolean(stage && detail?.crystal);
    if (stage) stage.hidden = !hasCrystal;
    part("no-stage").hidden = hasCrystal;
    part("sections").replaceChildren(...[
      section("Predictions", predictions(n)), section("Criteria", outcomes(n)), section("Mobility", mobility(n)), section("What resembles it", similar(detail)),
      section("What the models know near it", learned(detail)), section("Powder pattern to expect", pattern(detail)), section("What campaigns did with it", history(detail)),
      section("Where the numbers come from", chain(n)), section("Elsewhere", elsewhere(n)), section("Cite it", citation(n)),
    ].filter(Boolean));
    part("where").textContent = `${number(state.at + 1, 0)} of ${number(state.table.shown.length, 0)}`;
    card.querySelector('[data-step="-1"]').disabled = state.at === 0;
    card.querySelector('[data-step="1"]').disabled = state.at === state.table.shown.length - 1;
    card.dataset.structure = data.hash[n];
    part("body").scrollTop = 0;
    if (hasCrystal) document.dispatchEvent(new CustomEvent("matsift-show", { detail: data.hash[n] }));
  };
  const show = (at) => {
    state.at = Math.min(Math.max(at, 0), state.table.shown.length - 1);
    fill(state.table.shown[state.at]);
  };
  window.matsift.open = (from, at) => {
    state.table = from;
    if (!card.open) card.showModal();
    show(at);
  };
  const jump = (n) => {
    const inShown = (one) => one.shown.indexOf(n);
    const found = window.matsift.tables.find((one) => inShown(one) >= 0);
    if (found) { state.table = found; show(inShown(found)); return; }
    const [holder] = window.matsift.tables.filter((one) => one.every.includes(n));
    state.table = { shown: [n], focus: () => holder.focus(0) }; // the filter hides its row
    show(0);
  };
  card.addEventListener("click", async (event) => {
    const { target } = event;
    if (target === card || target.closest('[data-step="0"]')) { card.close(); return; } // the backdrop, or the cross
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.step) show(state.at + Number(button.dataset.step));
    if (button.dataset.place) jump(Number(button.dataset.place));
    if (button.dataset.text) {
      const label = button.textContent;
      try { await navigator.clipboard.writeText(button.dataset.text); button.textContent = "Copied"; } catch { button.textContent = "Select it and copy"; }
      setTimeout(() => { button.textContent = label; }, 1500);
    }
  });
  card.addEventListener("close", () => state.table?.focus(state.at));
})();
