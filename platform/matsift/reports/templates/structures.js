"use strict";
(() => {
  const source = document.getElementById("structures");
  if (!source) return;
  const { elements, cells } = JSON.parse(source.textContent);
  const place = new Map(cells.map((cell, n) => [cell.key, n]));
  const EDGE = 0.02; // atoms so near a face of the cell are drawn on the opposite one too
  const REACH = 1.15; // a bond is drawn up to so many sums of covalent radii
  const MOST_BONDED = 600;
  const SHOWN_RADIUS = 0.42;
  const SVG = "http://www.w3.org/2000/svg";

  const cartesian = (lattice, f) => [0, 1, 2].map((i) => f[0] * lattice[i] + f[1] * lattice[3 + i] + f[2] * lattice[6 + i]);
  const copies = (value) => (value < EDGE ? [value, value + 1] : value > 1 - EDGE ? [value - 1, value] : [value]);
  const drawnAtoms = ({ lattice, species, places }) =>
    species.flatMap((elem, n) => {
      const [a, b, c] = [0, 1, 2].map((i) => copies(places[3 * n + i] / 10000));
      return a.flatMap((u) => b.flatMap((v) => c.map((w) => ({ elem, at: cartesian(lattice, [u, v, w]) }))));
    });
  const bonded = (ionic, one, other) => {
    const [p, q] = [elements[one.elem], elements[other.elem]];
    if (ionic && p.pull < 1.9 && q.pull < 1.9) return false; // metals of a salt are held by what stands between them
    const distance = Math.hypot(...one.at.map((x, i) => x - other.at[i]));
    return distance > 0.4 && distance < REACH * (p.radius + q.radius);
  };
  const drawn = new Map();
  const draw = (n) => {
    if (drawn.has(n)) return drawn.get(n);
    const cell = cells[n];
    const atoms = drawnAtoms(cell);
    const bonds = [];
    const ionic = cell.species.some((elem) => elements[elem].pull > 2.5);
    for (let i = 0; atoms.length <= MOST_BONDED && i < atoms.length; i += 1)
      for (let j = 0; j < i; j += 1) if (bonded(ionic, atoms[i], atoms[j])) bonds.push([j, i]);
    const corner = (bits) => cartesian(cell.lattice, [bits & 1, (bits >> 1) & 1, (bits >> 2) & 1]);
    const edges = [];
    for (let bits = 0; bits < 8; bits += 1)
      for (const bit of [1, 2, 4]) if (!(bits & bit)) edges.push([corner(bits), corner(bits | bit)]);
    drawn.set(n, { atoms, bonds, edges });
    return drawn.get(n);
  };

  // the third axis up, turned a little: the view that both pictures begin with
  const TURN = 24, TILT = 12;
  const seen = ([x, y, z]) => {
    const [s, c] = [Math.sin((TURN * Math.PI) / 180), Math.cos((TURN * Math.PI) / 180)];
    const [t, d] = [Math.sin((TILT * Math.PI) / 180), Math.cos((TILT * Math.PI) / 180)];
    const [right, away] = [c * x - s * y, s * x + c * y];
    return [right, -(d * z + t * away), t * z - d * away];
  };
  const node = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const flat = (n) => {
    const { atoms, bonds, edges } = draw(n);
    const at = atoms.map((atom) => seen(atom.at));
    const ends = edges.map((edge) => edge.map(seen));
    const all = [...at, ...ends.flat()];
    const [left, top] = [0, 1].map((i) => Math.min(...all.map((p) => p[i])) - 0.9);
    const [right, bottom] = [0, 1].map((i) => Math.max(...all.map((p) => p[i])) + 0.9);
    const picture = node("svg", { viewBox: [left, top, right - left, bottom - top].map((v) => v.toFixed(2)).join(" "), "aria-hidden": "true" });
    const line = (p, q, shown) => node("line", { x1: p[0].toFixed(2), y1: p[1].toFixed(2), x2: q[0].toFixed(2), y2: q[1].toFixed(2), class: shown });
    const things = [
      ...ends.map(([p, q]) => ({ depth: (p[2] + q[2]) / 2 - 1, thing: line(p, q, "edge") })),
      ...bonds.map(([i, j]) => ({ depth: (at[i][2] + at[j][2]) / 2, thing: line(at[i], at[j], "bond") })),
      ...at.map((p, i) => {
        const { colour, radius } = elements[atoms[i].elem];
        return { depth: p[2], thing: node("circle", { cx: p[0].toFixed(2), cy: p[1].toFixed(2), r: (SHOWN_RADIUS * radius).toFixed(2), fill: colour }) };
      }),
    ];
    things.sort((one, other) => one.depth - other.depth);
    picture.append(...things.map(({ thing }) => thing));
    return picture;
  };
  const whenSeen = new IntersectionObserver((entries) => {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      whenSeen.unobserve(target);
      target.replaceChildren(flat(place.get(target.dataset.flat)));
    }
  }, { rootMargin: "300px" });
  document.querySelectorAll("[data-flat]").forEach((box) => whenSeen.observe(box));

  const stage = document.getElementById("structure-stage");
  if (!stage) return;
  const view = stage.querySelector(".stage-view");
  const still = stage.querySelector(".stage-still");
  const part = (name) => stage.querySelector(`.stage-${name}`);
  const pressed = (name) => stage.querySelector(`[data-do="${name}"]`).getAttribute("aria-pressed") === "true";
  const state = { shown: -1, filled: -1, viewer: null, inView: false };

  const subscripted = (formula) =>
    formula.split(/(\d+(?:\.\d+)?)/).map((text, n) => {
      if (n % 2 === 0) return text;
      const sub = document.createElement("sub");
      sub.textContent = text;
      return sub;
    });
  const legend = (species) =>
    [...new Set(species)].map((elem) => {
      const item = document.createElement("li");
      const dot = document.createElement("span");
      dot.className = "dot";
      dot.style.background = elements[elem].colour;
      item.append(dot, elem);
      return item;
    });
  const hasWebGL = () => {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") ?? canvas.getContext("webgl"));
  };
  const viewer = () => {
    if (state.viewer === null) {
      try {
        state.viewer = hasWebGL() && $3Dmol.createViewer(view, { backgroundAlpha: 0, orthographic: true, disableFog: true, antialias: true });
      } catch {
        state.viewer = false; // a broken driver: the still picture stays, as without WebGL
      }
      stage.dataset.live = String(Boolean(state.viewer));
    }
    return state.viewer;
  };
  const spin = () => state.viewer && state.viewer.spin(pressed("spin") && state.inView ? "z" : false, 0.5);
  const look = () => {
    const [tilt, turn] = [((TILT - 90) * Math.PI) / 360, (TURN * Math.PI) / 360];
    const [s, c, u, v] = [Math.sin(tilt), Math.cos(tilt), Math.sin(turn), Math.cos(turn)];
    state.viewer.zoomTo();
    const [x, y, z, away] = state.viewer.getView();
    state.viewer.setView([x, y, z, away, s * v, -s * u, c * u, c * v]); // turned about the third axis, then tilted
    state.viewer.zoom(1.3);
  };
  const label = () => {
    state.viewer.removeAllLabels();
    if (!pressed("labels")) return;
    const style = { fontSize: 12, fontColor: "black", backgroundColor: "white", backgroundOpacity: 0.75, inFront: true, alignment: "center" };
    for (const { elem, at } of draw(state.shown).atoms) state.viewer.addLabel(elem, { ...style, position: { x: at[0], y: at[1], z: at[2] } });
  };
  const fill = () => {
    const { atoms, bonds, edges } = draw(state.shown);
    const partners = atoms.map(() => []);
    for (const [i, j] of bonds) { partners[i].push(j); partners[j].push(i); }
    state.filled = state.shown;
    state.viewer.clear();
    const model = state.viewer.addModel();
    model.addAtoms(atoms.map(({ elem, at }, n) => ({ elem, x: at[0], y: at[1], z: at[2], serial: n, bonds: partners[n], bondOrder: partners[n].map(() => 1) })));
    for (const elem of new Set(cells[state.shown].species)) {
      const { colour, radius } = elements[elem];
      model.setStyle({ elem }, { sphere: { radius: SHOWN_RADIUS * radius, color: colour }, stick: { radius: 0.09, color: colour } });
    }
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--soft").trim();
    const point = ([x, y, z]) => ({ x, y, z });
    for (const [p, q] of edges) state.viewer.addCylinder({ start: point(p), end: point(q), radius: 0.025, color: colour });
    label();
    state.viewer.render();
    look();
    spin();
  };
  const show = (n) => {
    state.shown = (n + cells.length) % cells.length;
    const cell = cells[state.shown];
    const { atoms, bonds } = draw(state.shown);
    part("title").replaceChildren(...subscripted(cell.title));
    part("words").textContent = cell.words;
    part("count").textContent = `${state.shown + 1} of ${cells.length}`;
    part("legend").replaceChildren(...legend(cell.species));
    view.setAttribute("aria-label", `${cell.title}, ${cell.words}. Arrow keys turn it, plus and minus bring it nearer and farther.`);
    still.replaceChildren(flat(state.shown));
    Object.assign(stage.dataset, { shown: cell.key, atoms: atoms.length, bonds: bonds.length });
    document.querySelectorAll("[data-show]").forEach((button) => {
      if (button.dataset.show === cell.key) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    if (state.inView && viewer()) fill();
  };
  const act = {
    previous: () => show(state.shown - 1),
    next: () => show(state.shown + 1),
    spin: () => spin(),
    labels: () => { if (viewer()) { label(); state.viewer.render(); } },
    reset: () => { if (viewer()) look(); },
  };
  stage.querySelectorAll("[data-do]").forEach((button) =>
    button.addEventListener("click", () => {
      if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(!pressed(button.dataset.do)));
      act[button.dataset.do]();
    }));
  const keys = {
    ArrowLeft: () => state.viewer.rotate(-12, "vy"), ArrowRight: () => state.viewer.rotate(12, "vy"),
    ArrowUp: () => state.viewer.rotate(-12, "vx"), ArrowDown: () => state.viewer.rotate(12, "vx"),
    "+": () => state.viewer.zoom(1.2), "-": () => state.viewer.zoom(1 / 1.2), Home: look,
  };
  view.addEventListener("keydown", (event) => {
    if (!state.viewer || !keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
    state.viewer.render();
  });
  // a wheel or a finger on its way down the page passes over a picture that nobody has chosen
  for (const kind of ["wheel", "touchstart", "touchmove"])
    stage.addEventListener(kind, (event) => { if (view.contains(event.target) && document.activeElement !== view) event.stopPropagation(); }, { capture: true, passive: true });
  view.addEventListener("pointerdown", () => view.focus({ preventScroll: true }));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (!button || !place.has(button.dataset.show)) return;
    show(place.get(button.dataset.show));
    stage.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("matsift-show", ({ detail }) => { if (place.has(detail)) show(place.get(detail)); });
  new IntersectionObserver((entries) => {
    state.inView = entries.at(-1).isIntersecting;
    if (state.inView && state.filled !== state.shown && viewer()) fill();
    else spin();
  }, { rootMargin: "100px" }).observe(stage);
  new ResizeObserver(() => { if (state.viewer && view.clientWidth) { state.viewer.resize(); state.viewer.render(); } }).observe(view);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (state.viewer) fill(); });
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) stage.querySelector('[data-do="spin"]').setAttribute("aria-pressed", "false");
  show(0);
})();
