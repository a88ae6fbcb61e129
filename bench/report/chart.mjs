const WIDTH = 1080;
const MARGIN = 24;
const GAP = 36;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP) / 2;
const LABEL_WIDTH = 236;
const VALUE_WIDTH = 48;
const ROW_HEIGHT = 24;
const BAR_HEIGHT = 16;
const HEADER_HEIGHT = 34;
const TOP = 74;
const BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;

const PANELS = [
  ['hotJwt', 'One hot JWT'],
  ['hotOpaque', 'One hot opaque token'],
  ['coldRS256', 'JWTs never seen before, RS256'],
  ['zipfOpaque', 'Many opaque tokens, some of them hot'],
  ['coldES256', 'JWTs never seen before, ES256'],
  ['coldEdDSA', 'JWTs never seen before, EdDSA'],
];

/**
 * A bar chart of throughput beside the same API without a guard, one panel for each workload.
 *
 * @returns {string} SVG
 */
export function drawChart({ contestants, figures, machine }) {
  const panels = PANELS.filter(([id]) => figures[id] !== undefined).map(([id, title]) => ({
    title,
    bars: contestants
      .filter(({ isFloor, id: contestant }) => !isFloor && figures[id][contestant] !== undefined)
      .map(({ id: contestant, name, isOurs = false }) => ({ name, isOurs, ratio: figures[id][contestant].throughputRatio })),
  }));
  let y = TOP;
  const drawn = [];
  for (let index = 0; index < panels.length; index += 2) {
    const pair = panels.slice(index, index + 2);
    drawn.push(...pair.map((panel, column) => drawPanel(panel, MARGIN + column * (PANEL_WIDTH + GAP), y)));
    y += HEADER_HEIGHT + Math.max(...pair.map(({ bars }) => bars.length)) * ROW_HEIGHT + GAP;
  }
  const height = y + 10;
  const { cpu, cores, node, date } = machine;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Throughput beside the same API without a guard" font-family="Helvetica, Arial, sans-serif" font-size="13">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${text(MARGIN, 34, 'Requests per second, beside the same API without a guard', { size: 20, weight: 'bold' })}
${text(MARGIN, 56, '1.00 is an API that checks nothing; longer is better. Where no adapter is named, it is Express.', { fill: '#555555' })}
${drawn.join('\n')}
${text(MARGIN, height - 16, `${date.slice(0, 10)} · Node ${node} · ${cores} cores of ${cpu}`, { fill: '#555555' })}
</svg>
`;
}

function drawPanel({ title, bars }, x, y) {
  const zero = x + LABEL_WIDTH;
  const one = zero + BAR_WIDTH;
  const bottom = y + HEADER_HEIGHT + bars.length * ROW_HEIGHT;
  const line = `<line x1="${one}" y1="${y + HEADER_HEIGHT - 4}" x2="${one}" y2="${bottom}" stroke="#888888" stroke-dasharray="3 3"/>`;
  const rows = bars.map((bar, index) => drawBar(bar, x, zero, y + HEADER_HEIGHT + index * ROW_HEIGHT));
  return [text(x, y + 20, title, { size: 15, weight: 'bold' }), line, ...rows].join('\n');
}

function drawBar({ name, isOurs, ratio }, x, zero, y) {
  // Noise can make a guard look free; the bar ends at the floor, the figure says what was measured.
  const width = Math.max(1, Math.min(1, ratio) * BAR_WIDTH);
  const baseline = y + 13;
  const weight = isOurs ? 'bold' : 'normal';
  return [
    text(x, baseline, name, { weight, size: 12.5 }),
    `<rect x="${zero}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${isOurs ? '#0b63b0' : '#b4bcc6'}"/>`,
    text(zero + BAR_WIDTH + 8, baseline, ratio.toFixed(2), { weight }),
  ].join('\n');
}

function text(x, y, content, { size = 13, weight = 'normal', fill = '#111111' } = {}) {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}">${escaped}</text>`;
}
