// The content of a page as the explorer uses it: of this page, or of another page that is shown beside it.

function sourceOf({ experiment, data, explorer, ranking }) {
  const shape = explorer.inputs.shape.slice(1);
  const source = {
    experiment,
    data,
    explorer,
    ranking,
    image: data.kind === "image",
    shape,
    depth: shape[shape.length - 1],
    block: explorer.block,
    inputs: reader(explorer.inputs),
    truth: reader(explorer.truth),
    measured: reader(explorer.measured),
    similar: reader(explorer.similar),
    maps: explorer.maps.map(reader),
    spreads: [], // of each channel, the largest range of an example
    rangesOf: null, // the example whose ranges are `lanes`
    lanes: null,
    axes: { view: null, cursor: null }, // pages whose axes are linked share them
  };
  if (source.image) return source;
  explorer.examples.forEach((_, example) => {
    ranges(source.inputs(example), source.depth).forEach(([low, high], channel) => {
      source.spreads[channel] = Math.max(source.spreads[channel] ?? 1e-12, high - low);
    });
  });
  return source;
}

// The stretch that shows all of an example.
function whole({ image, shape }) {
  return image ? [0, shape[1], 0, shape[0]] : [-0.5, shape[0] - 0.5];
}

// The explanation to begin with: the best ones, if they are known.
function firstOf({ explorer, ranking }, rank) {
  const places = explorer.explanations.map((_, place) => place);
  const wanted = ranking ? ranking.first.map((label) => places.find((place) => explorer.explanations[place].label === label)) : [];
  return wanted[rank] ?? places.find((place) => rank === 0 || place !== (wanted[0] ?? 0)) ?? -1;
}
