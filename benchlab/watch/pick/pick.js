// A table of runs to filter and choose from. Names are foreign text: they become text nodes only.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 96;
const HEIGHT = 22;
const EDGE = 2;

function add(parent, tag, properties = {}, text = "") {
  const element = Object.assign(document.createElement(tag), properties);
  element.textContent = text;
  parent.append(element);
  return element;
}

function addSpark(cell, { numbers, meaning }) {
  const svg = document.createElementNS(SVG, "svg");
  const highest = Math.max(...numbers.filter((number) => number !== null)) || 1;
  const step = (WIDTH - 2 * EDGE) / Math.max(numbers.length - 1, 1);
  let path = "";
  let pen = "M";
  numbers.forEach((number, index) => {
    if (number === null) {
      pen = "M";
      return;
    }
    const y = HEIGHT - EDGE - (number / highest) * (HEIGHT - 2 * EDGE);
    path += `${pen}${(EDGE + index * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  const attributes = { width: WIDTH, height: HEIGHT, role: "img", "aria-label": meaning };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const title = document.createElementNS(SVG, "title");
  title.textContent = meaning;
  const line = document.createElementNS(SVG, "path");
  const drawing = { d: path, fill: "none", stroke: "#3b8ccf", "stroke-width": "1.5" };
  for (const [name, value] of Object.entries(drawing)) line.setAttribute(name, value);
  svg.append(title, line);
  cell.append(svg);
}

function render({ model, el }) {
  const { head, numbers, rows } = model.get("table");
  const root = add(el, "div", { className: "benchlab-card benchlab-pick" });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Stored runs to choose from");
  const tools = add(root, "div", { className: "bl-tools" });
  const label = add(tools, "label", {}, "Filter ");
  const filter = add(label, "input", { type: "search", placeholder: "name, verdict, date, id" });
  const all = add(tools, "button", { type: "button" }, "Choose all shown");
  const none = add(tools, "button", { type: "button" }, "Choose none");
  const state = add(tools, "span", { className: "bl-quiet" });
  state.setAttribute("role", "status");

  const scroll = add(root, "div", { className: "bl-scroll" });
  const table = add(scroll, "table");
  const headRow = add(add(table, "thead"), "tr");
  ["choose", ...head].forEach((name, index) => {
    const isText = index > 0 && !numbers[index - 1];
    add(headRow, "th", { scope: "col", className: isText ? "bl-text" : "" }, name);
  });
  const body = add(table, "tbody");
  const lines = rows.map(({ id, name, level, cells }) => {
    const row = add(body, "tr");
    const box = add(add(row, "td"), "input", { type: "checkbox" });
    box.setAttribute("aria-label", `choose run ${id}, ${name}`);
    cells.forEach((text, index) => {
      const names = [numbers[index] ? "" : "bl-text", index === 1 && level ? `bl-${level}` : ""];
      const cell = add(row, index === 0 ? "th" : "td", { className: names.join(" ").trim() });
      if (index === 0) Object.assign(cell, { scope: "row", title: name });
      if (typeof text === "string") cell.textContent = text;
      else addSpark(cell, text);
    });
    const texts = cells.filter((text) => typeof text === "string");
    const words = [id, name, ...texts].join(" ");
    return { id, row, box, words: words.toLowerCase() };
  });

  function save(ids) {
    model.set("chosen", lines.map(({ id }) => id).filter((id) => ids.has(id)));
    model.save_changes();
    draw();
  }

  function toggle(id) {
    const ids = new Set(model.get("chosen"));
    if (!ids.delete(id)) ids.add(id);
    save(ids);
  }

  function draw() {
    const ids = new Set(model.get("chosen"));
    const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { id, row, box, words } of lines) {
      box.checked = ids.has(id);
      row.classList.toggle("bl-chosen", box.checked);
      row.hidden = !wanted.every((word) => words.includes(word));
      if (!row.hidden) shown += 1;
    }
    state.textContent = `${ids.size} chosen, ${shown} of ${lines.length} shown`;
  }

  for (const { id, row, box } of lines) {
    box.addEventListener("change", () => toggle(id));
    row.addEventListener("click", (event) => {
      const isSelecting = String(document.getSelection()) !== "";
      if (event.target !== box && !isSelecting) toggle(id);
    });
  }
  filter.addEventListener("input", draw);
  all.addEventListener("click", () => {
    const ids = new Set(model.get("chosen"));
    for (const { id, row } of lines) if (!row.hidden) ids.add(id);
    save(ids);
  });
  none.addEventListener("click", () => save(new Set()));
  // JupyterLab acts on keys in an output, such as space and letters, unless they stay in it.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:chosen", draw);
  draw();
  return () => model.off("change:chosen", draw);
}

export default { render };
