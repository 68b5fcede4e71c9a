// Runs in the browser: draws the charts of a report with uPlot, and again when light turns to dark.
const { charts } = JSON.parse(document.getElementById("data").textContent)

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
const PALETTE = {
  light: ["#1f5fa8", "#a86f00", "#7a4fb5", "#0f7b4d", "#b4322a", "#00798c", "#8a5a44"],
  dark: ["#74b0f4", "#e0a93f", "#bd9af0", "#4cc38a", "#f2786d", "#4fc4d6", "#c99b85"]
}
const dark = matchMedia("(prefers-color-scheme: dark)")

const seriesOf = ({ label, kind, beside }, index) => {
  const palette = dark.matches ? PALETTE.dark : PALETTE.light
  if (kind === "up" || kind === "down") {
    const stroke = colour(kind === "up" ? "good" : "bad")
    return { label, stroke, paths: () => null, points: { show: true, size: 8, fill: stroke, stroke } }
  }
  const stroke = beside ? colour("soft") : palette[index % palette.length]
  return { label, stroke, width: beside ? 1.25 : 1.75, ...(beside && { dash: [5, 4] }), points: { show: false } }
}

const axis = (more) => ({
  stroke: colour("soft"),
  grid: { stroke: colour("grid"), width: 1 },
  ticks: { stroke: colour("grid"), width: 1 },
  font: "12px system-ui, sans-serif",
  ...more
})

const valueText = (unit) => (_, value) =>
  value === null || value === undefined
    ? "–"
    : unit === "%"
      ? `${value.toFixed(1)}%`
      : String(Number(value.toPrecision(6)))

/** Prices that multiply are seen by a logarithmic scale; those that hardly move by a plain one. */
const scaleOf = (data, log) => {
  const values = data.slice(1).flatMap((column) => column.filter((value) => value !== null))
  const [least, most] = values.reduce(
    ([low, high], each) => [Math.min(low, each), Math.max(high, each)],
    [Infinity, -Infinity]
  )
  return log && most > 3 * least ? { distr: 3, range: [0.93 * least, 1.07 * most] } : {}
}

/** The ones, twos, threes and fives of a logarithmic scale. */
const logTicks = (least, most) => {
  const all = []
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) {
    all.push(...[1, 2, 3, 5, 7].map((each) => each * power))
  }
  return all.filter((each) => each >= least && each <= most)
}

const draw = (place, { series, data, unit, height, log }) => {
  const wide = place.clientWidth - 16
  const shown = series.map((each, index) => ({ ...seriesOf(each, index), value: valueText(unit) }))
  const scale = scaleOf(data, log)
  const ticks = scale.distr === 3 && { splits: (_, __, least, most) => logTicks(least, most), filter: (_, all) => all }
  return new uPlot(
    {
      width: wide,
      height: wide < 500 ? Math.round(height * 0.8) : height,
      scales: { y: scale },
      cursor: { sync: { key: "time" } },
      legend: { markers: { fill: (chart, index) => chart.series[index].stroke(chart, index) } },
      axes: [
        axis({}),
        axis({ ...ticks, size: 62, values: (_, all) => all.map((each) => (each === null ? "" : `${each}${unit}`)) })
      ],
      series: [{}, ...shown]
    },
    data,
    place
  )
}

const drawn = []
const drawAll = () => {
  for (const chart of drawn.splice(0)) chart.destroy()
  for (const chart of charts) drawn.push(draw(document.getElementById(chart.id), chart))
}

drawAll()
dark.addEventListener("change", drawAll)
let width = innerWidth
addEventListener("resize", () => {
  // A phone's bars come and go without its width changing.
  if (innerWidth === width) return
  width = innerWidth
  drawAll()
})
