import { drawdownsOf } from "../../sim/index.ts"
import { counted } from "../table.ts"
import { BUY_AND_HOLD, type Followed, LEARNED, type Walk } from "./backtest.ts"
import type { BacktestReport, StrategyReport } from "./backtest-report.ts"
import { BACKTEST_COLUMNS, numberText, percentText, shareText } from "./backtest-text.ts"
import { calibrationPlot } from "./calibration-plot.ts"
import { card, html, htmlTable, pageOf } from "./html.ts"

/** Fewer trades say nothing, whatever the statistics. */
const FILLS_MIN = 20
/** More points than a chart has pixels are of no use. */
const POINTS_MAX = 4_000

const READING: ReadonlyArray<readonly [string, string]> = [
  [
    "Sharpe",
    "mean return over its spread, a year, ± its standard error (Lo 2002). Two that differ by less than the error are the same"
  ],
  [
    "Deflated",
    "how likely the true Sharpe ratio is above the luckiest of all strategies compared (Bailey, López de Prado 2014); above 0.95 is called significant"
  ],
  [
    "Direction",
    "how often BUY came before a rise and SELL before a fall to the next close, with its 95% interval (Wilson); P is how likely a coin is as far from half"
  ],
  [
    "Brier, skill",
    "how good the probabilities were: 0 is best, 0.667 has who says a third each; skill below 0% is worse than the shares of outcomes so far"
  ],
  ["Turnover", "how many times the whole equity was traded in a year"],
  ["Exposed", "the part of the equity that was in the market, in the mean"]
]

/** A backtest as a page in one file. */
export const backtestPage = (walk: Walk, report: BacktestReport): string => {
  const learned = of(report, LEARNED)
  const held = of(report, BUY_AND_HOLD)
  const { symbol, from, to, costs } = report
  const beside = (value: string) => `buy and hold: ${value}`
  return pageOf({
    title: `Backtest of ${symbol}`,
    summary: summaryOf(report, learned, held),
    charts: { charts: chartsOf(walk) },
    body: html`${sourceOf(report)}<section class="cards">
${card("Return", percentText(learned.total_return), beside(percentText(held.total_return)))}
${card("Sharpe ratio", numberText(learned.sharpe?.value ?? null), beside(numberText(held.sharpe?.value ?? null)))}
${card("Deepest fall", percentText(learned.max_drawdown), beside(percentText(held.max_drawdown)))}
${card("Direction right", percentText(learned.direction.rate), `95%: ${percentText(learned.direction.low, 0)} to ${percentText(learned.direction.high, 0)}`)}
</section>
<h2>Price and decisions</h2>
<p class="note">Where the panel, its votes weighed by what was learnt, turned to BUY and to SELL. </p>
<div class="chart" id="price"></div>
<h2>What became of 100</h2>
<p class="note">Each strategy with an account of its own; all began after the warm-up of ${report.warm_up} bars, with the same costs.</p>
<div class="chart" id="equity"></div>
<h2>Below the highest so far</h2>
<div class="chart" id="drawdown"></div>
<h2>All strategies</h2>
${htmlTable(
  BACKTEST_COLUMNS.map(([title]) => title.charAt(0) + title.slice(1).toLowerCase()),
  report.strategies.map((strategy) =>
    BACKTEST_COLUMNS.map(([title, show]) => (title === "STRATEGY" ? named(strategy.name) : show(strategy)))
  )
)}
<p class="note">BUY goes long with ${percentText(costs.size, 0)} of the equity, SELL ${costs.short ? "goes short with as much" : "gets out"}, HOLD leaves it. Orders are filled at the next bar's open;
fee ${percentText(costs.fee, 2)}, slippage ${percentText(costs.slippage, 2)}. From ${from.slice(0, 10)} to ${to.slice(0, 10)}.</p>
<h2>Were they as right as they were sure?</h2>
<p class="note">The joint decisions by their confidence: a move of more than ${percentText(report.threshold, 2)} to the next close makes BUY or SELL right, less makes HOLD right.</p>
${calibrationPlot(learned.calibration, "Calibration of the joint decisions")}
<h2>How to read it</h2>
<dl>${READING.map(([term, meaning]) => html`<dt>${term}</dt><dd>${meaning}.</dd>`)}</dl>`
  })
}

/** The file, and what looks wrong in it: whoever sees the page has not seen the command's other words. */
const sourceOf = ({ source }: BacktestReport) =>
  source === null
    ? []
    : [
        html`<p class="note">Prices of ${source.name}, read as ${source.layout ?? ""}.</p>`,
        ...(source.warnings ?? []).map((warning) => html`<p class="note">Warning: ${warning}.</p>`)
      ]

const of = ({ strategies }: BacktestReport, wanted: string): StrategyReport =>
  strategies.find(({ name }) => name === wanted) ?? strategies[0]!

const named = (name: string): string => name.replaceAll("_", " ")

const summaryOf = ({ symbol, bars, rises }: BacktestReport, learned: StrategyReport, held: StrategyReport): string => {
  const made = `Over ${bars} bars of ${symbol} the panel made ${percentText(learned.total_return)}; buying and holding made ${percentText(held.total_return)}.`
  const likely = learned.deflated_sharpe
  const luck =
    likely === null
      ? "It never traded."
      : learned.fills < FILLS_MIN
        ? `It traded ${counted(learned.fills, "time")}: too few to say anything of.`
        : likely >= 0.95
          ? "That is more than luck among the strategies compared explains."
          : "That is no more than luck among the strategies compared may explain."
  const direction =
    learned.direction.rate === null
      ? ""
      : ` Its BUY and SELL were right about the next close ${shareText(learned.direction)} of the time; ${percentText(rises)} of all moves were up.`
  return `${made} ${luck}${direction}`
}

const chartsOf = (walk: Walk) => {
  const step = Math.max(1, Math.ceil(walk.bars.length / POINTS_MAX))
  const thin = <A>(values: ReadonlyArray<A>) =>
    values.filter((_, index) => index % step === 0 || index === values.length - 1)
  const time = thin(walk.bars.map((bar) => bar.time / 1_000))
  const strategies = walk.strategies.map((each) => ({
    ...each,
    series: { label: named(each.name), beside: each.name === BUY_AND_HOLD }
  }))
  const learned = strategies.find(({ name }) => name === LEARNED)!
  const turns = turnsOf(learned)
  const marked = (side: "BUY" | "SELL") => {
    const marks = walk.bars.map(({ close }, index) => (turns[index] === side ? close : null))
    // A turn between two points that are shown is shown at the later one.
    return thin(
      marks.map(
        (mark, index) =>
          mark ?? marks.slice(Math.max(0, index - step + 1), index).findLast((each) => each !== null) ?? null
      )
    )
  }
  const shown = strategies.filter(({ name }) => name === LEARNED || name === BUY_AND_HOLD)
  return [
    {
      ...{ id: "price", unit: "", height: 340, log: true },
      series: [
        { label: "close", beside: false },
        { label: "turned to BUY", kind: "up" },
        { label: "turned to SELL", kind: "down" }
      ],
      data: [time, thin(walk.bars.map(({ close }) => close)), marked("BUY"), marked("SELL")]
    },
    {
      ...{ id: "equity", unit: "", height: 320, log: true },
      series: strategies.map(({ series }) => series),
      data: [time, ...strategies.map(({ equity }) => thin(equity.map((value) => round((100 * value) / equity[0]!))))]
    },
    {
      ...{ id: "drawdown", unit: "%", height: 220, log: false },
      series: shown.map(({ series }) => series),
      data: [time, ...shown.map(({ equity }) => thin(drawdownsOf(equity).map((fall) => round(-100 * fall))))]
    }
  ]
}

/** Where the side changed: a BUY after a SELL or at first, and the other way round. */
const turnsOf = ({ said }: Pick<Followed, "said">) => {
  let side: "BUY" | "SELL" | undefined
  return said.map((each) => {
    if (each === undefined || each.decision === "HOLD" || each.decision === side) return undefined
    side = each.decision
    return side
  })
}

const round = (value: number): number => Math.round(value * 100) / 100
