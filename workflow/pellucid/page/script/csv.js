// The text of a CSV file.

function parse(text) {
  const rows = [[]];
  let cell = "";
  let quoted = false;
  for (let place = 0; place < text.length; place += 1) {
    const letter = text[place];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[place + 1] === '"') {
        cell += '"';
        place += 1;
      } else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "," || letter === "\n") {
      rows[rows.length - 1].push(cell);
      cell = "";
      if (letter === "\n") rows.push([]);
    } else cell += letter;
  }
  rows.pop();
  // An apostrophe stands before what a spreadsheet would take for a formula.
  const plain = (text) => (/^''*\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? text.slice(1) : text);
  return rows.map((row) => row.map(plain));
}

const isNumber = (text) => text.trim() !== "" && Number.isFinite(Number(text));
