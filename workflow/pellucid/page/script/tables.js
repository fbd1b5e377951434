// Tables that are sorted, copied and downloaded.

function headline(header) {
  const about = content.tables.find(({ name }) => name === "metrics");
  if (!about) return null;
  const [keys, ...rows] = parse(about.csv);
  const of = (row, key) => row[keys.indexOf(key)];
  const kept = ["explanation", "family", "mean rank", "failed checks"].map((name) => [header.indexOf(name), name]);
  for (const row of rows) {
    if (of(row, "first") !== "True" || of(row, "better") === "neither") continue;
    const variant = of(row, "variant") ? `, ${of(row, "variant")}` : "";
    const arrow = of(row, "better") === "higher" ? "↑" : "↓";
    kept.push([header.indexOf(`${of(row, "metric")} mean`), `${of(row, "title")}${variant} ${arrow}`]);
  }
  return kept.filter(([place]) => place >= 0);
}

function table({ name, title, csv }) {
  const [header, ...rows] = parse(csv);
  const every = header.map((text, place) => [place, text]);
  const short = name === "leaderboard" ? headline(header) : null;
  const shown = { columns: short || every, by: null, down: false, rows };
  const grid = make("table", {}, make("caption", {}, title));
  const render = () => {
    const head = shown.columns.map(([place, text]) => {
      const sorted = shown.by === place;
      const order = sorted ? (shown.down ? "descending" : "ascending") : "none";
      const sort = () => {
        shown.down = sorted && !shown.down;
        shown.by = place;
        arrange();
        render();
        grid.querySelectorAll("thead button")[shown.columns.findIndex(([other]) => other === place)].focus();
      };
      const mark = sorted ? (shown.down ? " ▼" : " ▲") : "";
      return make("th", { scope: "col", "aria-sort": order }, make("button", { type: "button", onclick: sort }, `${text}${mark}`));
    });
    const body = shown.rows.map((row) => make("tr", {}, ...shown.columns.map(([place], column) => {
      const text = row[place] ?? "";
      const numeric = isNumber(text);
      const value = numeric ? number(Number(text)) : text;
      return make(column ? "td" : "th", { scope: column ? false : "row", class: numeric ? "number" : false, title: numeric ? text : false }, value);
    })));
    grid.replaceChildren(grid.caption, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  };
  const arrange = () => {
    const cells = rows.map((row) => row[shown.by] ?? "");
    const numeric = cells.every((text) => text === "" || isNumber(text));
    const compare = (one, other) => {
      const [a, b] = [one[shown.by] ?? "", other[shown.by] ?? ""];
      if (a === "" || b === "") return (a === "") - (b === ""); // empty cells come last, whatever the order
      const difference = numeric ? Number(a) - Number(b) : a.localeCompare(b);
      return shown.down ? -difference : difference;
    };
    shown.rows = [...rows].sort(compare);
  };
  render();
  const lines = () => [shown.columns.map(([, text]) => text), ...shown.rows.map((row) => shown.columns.map(([place]) => row[place] ?? ""))];
  const tidy = (text) => text.replace(/[\t\r\n]+/g, " ");
  const asText = () => lines().map((row) => row.map(tidy).join("\t")).join("\n");
  const box = make("input", { type: "checkbox", onchange: () => {
    shown.columns = box.checked ? every : short;
    render();
  } });
  const tools = make("p", { class: "buttons" },
    make("button", { type: "button", onclick: () => copy(asText(), title) }, "Copy"),
    make("button", { type: "button", onclick: () => download(`${content.experiment}-${name}.csv`, csv, "text/csv") }, "Download CSV"),
    ...(short ? [make("label", {}, box, ` all ${header.length} columns`)] : []));
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, grid);
  return make("details", { class: "table", id: `table-${name}`, open: name !== "metrics" && rows.length < 200 }, make("summary", {}, title), tools, scroll);
}
