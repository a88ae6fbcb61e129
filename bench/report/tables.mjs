import { ALGORITHMS } from '../tokens/signing-keys.mjs';

const NONE = '–';
const format = (unit, digits) => (value) => (value === undefined ? NONE : `${value.toFixed(digits(value))}${unit}`);
const times = format(' ×', () => 2);
const micros = format(' µs', (value) => (value < 10 ? 1 : 0));
const mebibytes = format(' MiB', () => 1);
const count = (value) => (value === undefined ? NONE : Math.round(value).toLocaleString('en'));

/**
 * The figures as tables, for the terminal and for the page. What was not run has no table.
 *
 * @typedef {{ title: string, columns: string[], rows: string[][] }} Table
 * @returns {Table[]}
 */
export function tablesOf({ contestants, figures, goals, faults }) {
  const tables = [
    {
      title: 'Goals',
      columns: ['goal', 'limit', 'figure', 'met'],
      rows: goals.filter(({ figure }) => figure !== undefined).map(goalRow),
    },
    oneTokenTable('One hot JWT (RS256)', contestants, figures.hotJwt, faults, ({ jwt }) => jwt),
    coldTable(contestants, figures),
    oneTokenTable('One hot opaque token', contestants, figures.hotOpaque, faults, ({ opaque }) => opaque),
    zipfTable(contestants, figures),
    rejectedTable(contestants, figures.rejectedTokens),
    directTable(contestants, figures.directGuard),
    engineTable(figures),
  ];
  return tables.filter((table) => table !== undefined && table.rows.length > 0);
}

const goalRow = ({ name, limit, figure, isMet }) => [name, limit, figure, isMet ? 'yes' : 'no'];

function oneTokenTable(title, contestants, figures, faults, takesPart) {
  if (figures === undefined) return undefined;
  return {
    title,
    columns: ['', 'requests/s', 'beside no guard', 'CPU', 'CPU added', 'answers wrong'],
    rows: contestants.map((contestant) => {
      const { id, name, isFloor } = contestant;
      const { requestsPerSecond, throughputRatio, cpuMicroseconds, addedCpuMicroseconds } = figures[id] ?? {};
      const added = isFloor ? undefined : addedCpuMicroseconds;
      const wrong = isFloor || !takesPart(contestant) ? NONE : wrongAnswers(faults[id]);
      return [name, count(requestsPerSecond), times(throughputRatio), micros(cpuMicroseconds), micros(added), wrong];
    }),
  };
}

function wrongAnswers(faults) {
  const letIn = faults.filter((fault) => fault.includes(': 200, ')).length;
  return letIn === 0 ? String(faults.length) : `${faults.length}, ${letIn} let in`;
}

function coldTable(contestants, figures) {
  const cold = ALGORITHMS.map((algorithm) => figures[`cold${algorithm}`]);
  if (cold.includes(undefined)) return undefined;
  return {
    title: 'Cold JWTs, each sent once: beside no guard, and CPU added',
    columns: ['', ...ALGORITHMS.flatMap((algorithm) => [algorithm, 'CPU added'])],
    rows: contestants
      .filter(({ isFloor }) => !isFloor)
      .map(({ id, name }) => [
        name,
        ...cold.flatMap((each) => [times(each[id]?.throughputRatio), micros(each[id]?.addedCpuMicroseconds)]),
      ]),
  };
}

function zipfTable(contestants, { zipfOpaque, stampede }) {
  if (zipfOpaque === undefined || stampede === undefined) return undefined;
  return {
    title: "Opaque tokens by Zipf's law, authorization server 20 ms away; and a stampede",
    columns: ['', 'requests/s', 'beside no guard', 'calls', 'distinct tokens', 'stampede', 'calls'],
    rows: contestants.map(({ id, name, isFloor }) => {
      const { requestsPerSecond, throughputRatio, introspections, distinctTokens, requests } = zipfOpaque[id] ?? {};
      const calls = isFloor || introspections === undefined ? NONE : `${count(introspections)} in ${count(requests)}`;
      return [
        name,
        count(requestsPerSecond),
        times(throughputRatio),
        calls,
        count(isFloor ? undefined : distinctTokens),
        count(stampede[id]?.requests),
        count(stampede[id]?.introspections),
      ];
    }),
  };
}

function rejectedTable(contestants, figures) {
  if (figures === undefined) return undefined;
  const kinds = ['accepted', 'garbage', 'bad signature', 'expired'];
  return {
    title: 'Rejected tokens: CPU, and beside a 404 of the API without a guard',
    columns: ['', ...kinds.map((kind) => (kind === 'accepted' ? 'accepted cold JWT' : kind))],
    rows: contestants.map(({ id, name, isFloor }) => {
      if (isFloor) return [`${name}, 404`, micros(figures[id]['404'].cpuMicroseconds), NONE, NONE, NONE];
      const cell = (kind) => {
        const figure = figures[id]?.[kind];
        return figure === undefined ? NONE : `${micros(figure.cpuMicroseconds)} (${times(figure.notFoundRatio)})`;
      };
      return [name, ...kinds.map(cell)];
    }),
  };
}

function directTable(contestants, figures) {
  if (figures === undefined) return undefined;
  return {
    title: 'The guard alone, without HTTP: CPU for one call',
    columns: ['', 'hot JWT', 'hot opaque token'],
    rows: contestants
      .filter(({ adapter }) => adapter === 'express')
      .map(({ id, name }) => [name, micros(figures[id]?.jwt), micros(figures[id]?.opaque)]),
  };
}

function engineTable({ coldVerification, networkIntrospection, heapGrowth }) {
  if (coldVerification === undefined) return undefined;
  const beside = (bare, whole, ratio) => `${micros(whole)} beside ${micros(bare)} (${times(ratio)})`;
  return {
    title: 'The engine of nestjs-introspection alone',
    columns: ['', ''],
    rows: [
      ...Object.entries(coldVerification).map(([algorithm, { bareMicroseconds, authenticateMicroseconds, ratio }]) => [
        `cold JWT, ${algorithm}, beside one crypto.verify`,
        beside(bareMicroseconds, authenticateMicroseconds, ratio),
      ]),
      ...(networkIntrospection === undefined ? [] : [networkRow(networkIntrospection, beside)]),
      ...(heapGrowth === undefined ? [] : memoryRows(heapGrowth)),
    ],
  };
}

function networkRow({ bareMicroseconds, introspectionMicroseconds, ratio }, beside) {
  return ['introspection over the network, beside a bare POST', beside(bareMicroseconds, introspectionMicroseconds, ratio)];
}

function memoryRows({ distinctTokens, jwtMebibytes, opaqueMebibytes, totalMebibytes, uncollectedMebibytes }) {
  const half = count(distinctTokens / 2);
  return [
    [`held after ${half} distinct JWTs`, mebibytes(jwtMebibytes)],
    [`held after ${half} distinct opaque tokens more`, mebibytes(opaqueMebibytes)],
    ['held in all', mebibytes(totalMebibytes)],
    ['held in all, before the garbage is collected', mebibytes(uncollectedMebibytes)],
  ];
}
