"use strict";
(() => {
  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    return { text: value("--text"), soft: value("--soft"), grid: value("--grid"), line: value("--line"), card: value("--card") };
  };

  const themed = (layout) => {
    const { text, soft, grid, line, card } = colours();
    const change = {
      "font.color": text,
      "font.family": getComputedStyle(document.body).fontFamily,
      "hoverlabel.bgcolor": card,
      "hoverlabel.font.color": text,
      "hoverlabel.bordercolor": line,
      "modebar.color": soft,
      "modebar.activecolor": text,
    };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      change[`${axis}.gridcolor`] = grid;
      change[`${axis}.linecolor`] = line;
      change[`${axis}.tickcolor`] = line;
    }
    return change;
  };

  const plots = [...document.querySelectorAll("script[data-plot]")].map((source) => ({
    box: document.getElementById(source.dataset.plot),
    ...JSON.parse(source.textContent),
  }));
  const drawn = [];
  const recolour = () => drawn.forEach(({ box, layout }) => Plotly.relayout(box, themed(layout)));
  const draw = ({ box, data, layout }) => {
    const config = {
      responsive: true,
      displaylogo: false,
      modeBarButtons: [["toImage", "resetScale2d"]],
      toImageButtonOptions: { format: "svg", filename: box.id },
    };
    // a finger on a plot scrolls the page instead of drawing a zoom box
    const touch = { dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom" };
    return Plotly.newPlot(box, data, { ...layout, ...touch }, config).then(() => Plotly.relayout(box, themed(layout)));
  };
  const drawAll = async () => {
    for (const plot of plots) {
      await new Promise((next) => setTimeout(next)); // one after the other: the page answers in between
      await draw(plot);
      drawn.push(plot);
    }
    document.documentElement.setAttribute("data-drawn", String(plots.length));
  };
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  matchMedia("print").addEventListener("change", () => { recolour(); drawn.forEach(({ box }) => Plotly.Plots.resize(box)); });

  const sortValue = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const amount = Number(text);
    return { known: !["", "–", "nan"].includes(text), amount, isNumber: text !== "" && !Number.isNaN(amount), text };
  };
  const compare = (a, b, sign) => {
    if (a.known !== b.known) return a.known ? -1 : 1; // what is not known stands last, either way
    if (a.isNumber && b.isNumber) return sign * (a.amount - b.amount);
    return sign * a.text.localeCompare(b.text, "en", { numeric: true });
  };
  const sortBy = (header) => {
    const table = header.closest("table");
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("thead th").forEach((other) => other.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => ({ row, key: sortValue(row, header.cellIndex) }));
    keyed.sort((a, b) => compare(a.key, b.key, ascending ? 1 : -1));
    body.append(...keyed.map(({ row }) => row));
  };
  const ownTable = (table) => !table.querySelector("th[data-column]"); // others are drawn by candidates.js
  document.querySelectorAll("button.sort").forEach((button) => {
    if (ownTable(button.closest("table"))) button.addEventListener("click", () => sortBy(button.closest("th")));
  });

  const filter = (input) => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...document.getElementById(input.dataset.table).tBodies[0].rows];
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    const count = document.querySelector(`[data-count="${input.dataset.table}"]`);
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
  };
  document.querySelectorAll("input.filter").forEach((input) => {
    if (ownTable(document.getElementById(input.dataset.table))) input.addEventListener("input", () => filter(input));
  });
})();
