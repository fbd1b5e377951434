// The content of another page, which is read as data and never run; whoever made the file, what is not as it should be is
// refused before anything of it is shown.

class Refused extends Error {}

const BYTES = new Map([["float32", 4], ["int16", 2], ["int8", 1], ["bits", 1 / 8]]);
const isText = (value) => typeof value === "string";
const isList = (value, test) => Array.isArray(value) && value.every(test);
const isPlace = (value, count) => Number.isInteger(value) && value >= 0 && value < count;
const isShare = (value) => Number.isFinite(value) && value >= 0 && value <= 1;
const optional = (value, test) => value === null || value === undefined || test(value);

// Returns the content of a page from its HTML.
function contentOf(text) {
  const mark = ["<script", 'type="application/json"', 'id="content">'].join(" ");
  const start = text.indexOf(mark);
  const end = text.indexOf("<", start + mark.length);
  if (start < 0 || end < 0) throw new Refused("it is no page of an experiment (page.html)");
  let given;
  try {
    given = JSON.parse(text.slice(start + mark.length, end));
  } catch {
    throw new Refused("its content cannot be read: the file is damaged");
  }
  if (!given || given.format !== content.format) {
    throw new Refused("another version of Pellucid wrote it: write both pages with the same version");
  }
  if (given.explorer === null) throw new Refused("it has no explanations");
  const part = wrongPart(given);
  if (part) throw new Refused(`its ${part} are not as Pellucid writes them: the file is damaged`);
  return given;
}

// Returns the name of the first part of the wrong form, or null.
function wrongPart({ experiment, data, explorer, ranking }) {
  if (!isText(experiment) || !data || !explorer || !isText(data.kind) || !isText(data.word) || !isText(data.unit)) return "facts";
  if (!isList(data.classes, isText) || !isList(data.channels, isText)) return "names";
  if (!optional(data.rate, (rate) => Number.isFinite(rate) && rate > 0)) return "facts";
  const classes = data.classes.length;
  if (!isList(explorer.examples, (example) => isExample(example, classes))) return "examples";
  if (!isList(explorer.explanations, isExplanation) || !explorer.explanations.length) return "explanations";
  const rows = explorer.examples.length;
  const image = data.kind === "image";
  if (!rows || !Number.isInteger(explorer.block) || explorer.block < 1 || !isText(explorer.dtype)) return "facts";
  if (!isBlock(explorer.inputs, rows) || explorer.inputs.shape.length !== (image ? 4 : 3)) return "examples";
  const shape = explorer.inputs.shape;
  const depth = shape[shape.length - 1];
  if (data.channels.length !== depth) return "names";
  const fits = (block, last) => isBlock(block, rows) && String(block.shape) === String([...shape.slice(0, -1), last]);
  const isMap = (block) => fits(block, 1) || (!image && fits(block, depth));
  if (!isList(explorer.maps, isMap) || explorer.maps.length !== explorer.explanations.length) return "explanations";
  for (const name of ["truth", "measured"]) {
    if (!optional(explorer[name], (block) => block.dtype === "bits" && fits(block, depth))) return "examples";
  }
  const known = (about) => isList(about.first, isText) && about.failed && Object.values(about.failed).every(isText);
  return optional(ranking, known) ? null : "checks";
}

function isExample(example, classes) {
  return (
    Boolean(example) &&
    Number.isInteger(example.index) &&
    isPlace(example.predicted, classes) &&
    isText(example.explained) &&
    optional(example.label, (place) => isPlace(place, classes)) &&
    optional(example.told, isText) &&
    optional(example.wrong, (answer) => typeof answer === "boolean") &&
    optional(example.p, isShare) &&
    optional(example.error, (error) => Number.isFinite(error) && error >= 0) &&
    optional(example.p_true, isShare) &&
    optional(example.disagreement, Number.isFinite) &&
    isList(example.best, (pair) => Array.isArray(pair) && isPlace(pair[0], classes) && isShare(pair[1]))
  );
}

function isExplanation(about) {
  const texts = ["label", "title", "family", "unit", "settings"];
  return Boolean(about) && texts.every((name) => isText(about[name])) && typeof about.signed === "boolean" && optional(about.flat, (flat) => isList(flat, Number.isInteger));
}

// An array as `packing.py` writes it, with the bytes of its shape.
function isBlock(block, rows) {
  if (!block || !BYTES.has(block.dtype) || !isText(block.data)) return false;
  if (!isList(block.shape, (length) => Number.isInteger(length) && length > 0) || block.shape[0] !== rows) return false;
  const values = block.shape.reduce((product, length) => product * length, 1);
  const bytes = Math.ceil(values * BYTES.get(block.dtype));
  if (block.data.length !== 4 * Math.ceil(bytes / 3) || !/^[A-Za-z0-9+/]*={0,2}$/.test(block.data)) return false;
  return block.dtype === "bits" || [block.offset, block.scale].every((list) => isList(list, Number.isFinite) && list.length === rows);
}
