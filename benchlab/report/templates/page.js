"use strict";
// Sorts, filters and copies tables, and reads the points of figures. The page is complete without
// it: nothing is shown only here, and nothing is loaded.
(() => {
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    element.className = className;
    if (text) element.textContent = text;
    if (tag === "button") element.type = "button";
    return element;
  };

  // ---- tables

  const textOf = (cell) => (cell ? cell.innerText.trim() : "");

  /** Numbers by value, then texts, then what is empty; in either direction the empty is last. */
  const compare = (column, sign) => (one, other) => {
    const keys = [one, other].map((row) => {
      const cell = row.cells[column];
      const text = textOf(cell);
      const number = cell && "value" in cell.dataset ? Number(cell.dataset.value) : NaN;
      return { text, number, rank: text === "" || text === "–" ? 2 : isNaN(number) ? 1 : 0 };
    });
    const [a, b] = keys;
    if (a.rank !== b.rank) return (a.rank - b.rank) * (a.rank + b.rank > 1 ? 1 : sign);
    if (a.rank === 0) return sign * (a.number - b.number);
    return sign * a.text.localeCompare(b.text, undefined, { numeric: true });
  };

  /** A click sorts upwards, the next downwards, the third as it was. */
  const makeSortable = (table) => {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", "sort", textOf(head));
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "" }[head.getAttribute("aria-sort")] ?? "ascending";
        for (const each of heads) each.removeAttribute("aria-sort");
        const sign = next === "descending" ? -1 : 1;
        body.append(...(next ? [...original].sort(compare(column, sign)) : original));
        if (next) head.setAttribute("aria-sort", next);
      });
    });
  };

  const makeFilter = (table) => {
    const input = make("input", "filter");
    const rows = [...table.tBodies[0].rows];
    const count = make("span", "count");
    input.type = "search";
    input.placeholder = "Filter rows";
    input.setAttribute("aria-label", `Filter rows: ${textOf(table.caption)}`);
    count.setAttribute("role", "status");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = shown < rows.length ? `${shown} of ${rows.length} rows` : "";
    });
    return [input, count];
  };

  /** What is shown, as it is sorted. No spreadsheet takes a cell for a formula. */
  const asText = (table) =>
    [...table.rows]
      .filter((row) => !row.hidden)
      .map((row) =>
        [...row.cells]
          .map((cell) => textOf(cell).replace(/\s+/g, " "))
          .map((text) => (/^[=@]|^[+-](?![\d.])/.test(text) ? `'${text}` : text))
          .join("\t"),
      )
      .join("\n");

  const write = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", "");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  const makeCopyButton = (table) => {
    const button = make("button", "copy", "Copy");
    button.title = "Copy the table, to paste it into a spreadsheet";
    button.setAttribute("aria-label", `Copy table: ${textOf(table.caption)}`);
    button.addEventListener("click", async () => {
      await write(asText(table));
      button.textContent = "Copied";
    });
    for (const left of ["pointerleave", "blur"]) {
      button.addEventListener(left, () => (button.textContent = "Copy"));
    }
    return button;
  };

  for (const table of document.querySelectorAll("table")) {
    const box = make("div", "table-box");
    const tools = make("div", "tools");
    const place = table.closest(".scroll") ?? table;
    if (table.matches(".filterable")) {
      tools.classList.add("wide");
      tools.append(...makeFilter(table));
    }
    tools.append(makeCopyButton(table));
    place.before(box);
    box.append(tools, place);
    if (table.matches(".sortable")) makeSortable(table);
  }

  // ---- figures

  /** A tip at the point that is nearest to the pointer, or that the arrow keys are on. */
  const makeReadable = (svg) => {
    const plot = svg.closest(".plot");
    const panels = JSON.parse(svg.dataset.points);
    const { width } = svg.viewBox.baseVal;
    const lines = panels.flatMap(({ x, y, series }) =>
      series.map(([name, points]) =>
        points.map(([left, top, ...values]) => ({
          left,
          top,
          name,
          texts: values.map((text, at) => [[x, y][at], text]).filter(([, text]) => text),
        })),
      ),
    );
    const tip = make("div", "tip");
    const mark = make("div", "mark-point");
    let [line, index] = [0, -1];
    tip.setAttribute("role", "status");
    tip.hidden = mark.hidden = true;
    plot.append(mark, tip);

    const hide = () => (tip.hidden = mark.hidden = true);
    const show = ({ left, top, name, texts }) => {
      const shown = svg.getBoundingClientRect().width;
      const scale = shown / width;
      const rows = texts.map(([label, text]) => {
        const row = make("div", "", `${label}: `.replace(/^: /, ""));
        row.append(make("b", "", text));
        return row;
      });
      tip.replaceChildren(...(name ? [make("div", "name", name)] : []), ...rows);
      tip.hidden = mark.hidden = false;
      const most = shown - tip.offsetWidth;
      const above = top * scale - tip.offsetHeight - 12;
      tip.style.left = `${Math.max(0, Math.min(left * scale - tip.offsetWidth / 2, most))}px`;
      tip.style.top = `${above > 0 ? above : top * scale + 12}px`;
      mark.style.left = `${left * scale}px`;
      mark.style.top = `${top * scale}px`;
    };

    const follow = (event) => {
      const box = svg.getBoundingClientRect();
      const [left, top] = [event.clientX - box.left, event.clientY - box.top];
      let nearest = 40;
      let found = null;
      const scale = box.width / width;
      lines.forEach((points, of) =>
        points.forEach((point, at) => {
          const distance = Math.hypot(point.left * scale - left, point.top * scale - top);
          if (distance < nearest) [nearest, found, line, index] = [distance, point, of, at];
        }),
      );
      if (found) show(found);
      else hide();
    };
    svg.addEventListener("pointermove", follow);
    svg.addEventListener("pointerdown", follow);
    svg.addEventListener("pointerleave", hide);

    plot.addEventListener("keydown", (event) => {
      const along = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const across = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") return hide();
      if (!along && !across) return;
      event.preventDefault();
      if (across) line = (line + across + lines.length) % lines.length;
      index = Math.max(0, Math.min(index + (along ?? 0), lines[line].length - 1));
      show(lines[line][index]);
    });
    plot.addEventListener("blur", hide);
    plot.tabIndex = 0;
    plot.setAttribute("aria-description", "Arrow keys read the points, Escape leaves.");
  };

  for (const svg of document.querySelectorAll(".plot svg[data-points]")) makeReadable(svg);
})();
