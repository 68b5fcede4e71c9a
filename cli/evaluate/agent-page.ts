import type { AgentTestReport, Cell } from "../../evaluation/index.ts"
import { BESIDE } from "./agent-text.ts"
import { percentText, pText, shareText } from "./backtest-text.ts"
import { strengthPlot } from "./calibration-plot.ts"
import { card, Html, html, htmlTable, pageOf } from "./html.ts"

const FAILURES_SHOWN = 12

/** The agent tests as a page in one file. */
export const agentTestPage = (report: AgentTestReport): string => {
  const { executive_summary: summary, rules, recommendations } = report
  const { seeds, beside, interval, traders } = summary
  return pageOf({
    title: "What the agents do in each kind of market",
    summary: summary.verdict,
    body: html`<section class="cards">
${traders === null ? [] : [card("Traders", percentText(traders.rate), `95%: ${percentText(traders.interval.low, 0)} to ${percentText(traders.interval.high, 0)}; always HOLD ${percentText(traders.beside.always_hold, 0)}`)]}
${card("All answers", percentText(summary.overall_success_rate), `95%: ${percentText(interval.low, 0)} to ${percentText(interval.high, 0)}`)}
${card("A coin would have", percentText(beside.coin, 0), "of the same answers")}
${card("Always HOLD would have", percentText(beside.always_hold, 0), "of the same answers")}
${card("Over seeds", `± ${percentText(seeds.deviation)}`, `${seeds.count} seeds, ${percentText(seeds.lowest, 0)} to ${percentText(seeds.highest, 0)}`)}
</section>
<h2>Who is right where</h2>
<p class="note">The part of the answers that will do: an acceptable decision, at a strength of at least ${percentText(rules.strength_min, 0)}, within ${rules.response_ms_max} ms. ${summary.checks} answers to
${summary.scenarios} scenarios: a share by the day, a currency by the hour, and a share that moves twice as much.</p>
${accuracyTable(report)}
${tradersTable(report)}
<h2>Where nothing can be foreseen</h2>
<p class="note">On a martingale the next move is as likely up as down. How often BUY and SELL were right there, and how likely a coin is as far from half.</p>
${htmlTable(
  ["", "Right", "Of", "P", ""],
  report.martingale.map(({ subject, direction, p, chance }) => [
    named(subject),
    shareText(direction),
    String(direction.count),
    pText(p),
    chance ? "chance" : "not chance"
  ])
)}
<h2>What was expected, and why</h2>
<div class="prose left">${htmlTable(
      ["Regime", "Bars", "Analyst, optimizer, comprehensive, joint", "Risk advisor, coach", "Because"],
      rules.expectations.map(({ regime, bars, traders, careful, why }) => [
        named(regime),
        String(bars),
        traders,
        careful,
        why
      ])
    )}</div>
<h2>Were strong answers right more often?</h2>
<p class="note">All answers by their strength, and how often their decision was acceptable; more than one may be. A strength is no forecast: what is likely is in the probabilities, which <code>backtest</code> scores.</p>
${strengthPlot(report.accuracy_by_strength, "How often answers were acceptable, by strength")}
<h2>Most common failures</h2>
${failuresTable(report)}
<h2>What to do</h2>
<ul>${recommendations.map((each) => html`<li>${each}</li>`)}</ul>
<h2>Response times</h2>
<p class="note">Milliseconds of real time; with quant rules nothing waits.</p>
${htmlTable(
  ["", "Median", "95th percentile", "Slowest"],
  Object.entries(report.response_times).map(([subject, { p50, p95, max }]) => [
    named(subject),
    ...[p50, p95, max].map((each) => each.toFixed(2))
  ])
)}`
  })
}

const named = (name: string): string => name.replaceAll("_", " ")

const accuracyTable = ({ accuracy, accuracy_by_regime, accuracy_by_agent }: AgentTestReport): Html => {
  const subjects = Object.keys(accuracy_by_agent)
  return htmlTable(
    ["Regime", ...subjects.map(named), "all", "coin", "always HOLD"],
    Object.entries(accuracy).map(([regime, cells]) => {
      const all = accuracy_by_regime[regime]
      return [
        named(regime),
        ...subjects.map((subject) => heat(cells[subject])),
        heat(all),
        percentText(all?.coin ?? null, 0),
        percentText(all?.always_hold ?? null, 0)
      ]
    })
  )
}

/** Those for whom it is not enough to wait, beside simple rules on the same bars. */
const tradersTable = ({ traders_by_regime, executive_summary: { traders }, rules }: AgentTestReport): Html => {
  if (traders === null)
    return html`<p class="note">Only those were asked for whom HOLD is right in every kind of market.</p>`
  const rows = [...Object.entries(traders_by_regime), ["all", { ...traders, ...traders.beside }] as const]
  const words = Object.entries(rules.beside).map(([name, about]) => `${named(name)}: ${about}`)
  return html`<h2>Beside simple rules</h2>
<p class="note">For the risk advisor and the coach HOLD is right in every kind of market; this is without them. On the same bars: ${words.join("; ")}.</p>
${htmlTable(
  ["Regime", "traders", ...BESIDE.map(([name]) => named(name))],
  rows.map(([regime, found]) => [named(regime), heat(found), ...BESIDE.map(([name]) => percentText(found[name], 0))])
)}`
}

/** A share with a ground that is greener the more, and redder the less. */
const heat = (cell: Cell | undefined): Html => {
  if (cell === undefined || cell.count === 0) return html`–`
  const colour = cell.rate >= 0.75 ? "good" : cell.rate >= 0.5 ? "mid" : "bad"
  const strength = Math.round(cell.rate >= 0.75 ? 10 + 100 * (cell.rate - 0.75) : 30)
  const style = new Html(`background: color-mix(in srgb, var(--${colour}) ${strength}%, transparent)`)
  return html`<span class="swatch" style="${style}">${percentText(cell.rate, 0)}</span>`
}

const failuresTable = ({ common_failures }: AgentTestReport): Html => {
  if (common_failures.length === 0) return html`<p>None.</p>`
  const shown = common_failures.slice(0, FAILURES_SHOWN)
  const rows = shown.map(({ regime, subject, decision, fault, named: taken, count, example }) => [
    named(regime),
    named(subject),
    fault === "decision" ? decision : `${decision}, ${fault}`,
    named(taken ?? "nothing"),
    String(count),
    `seed ${example.seed}, ${example.symbol}`
  ])
  return html`<div class="left">${htmlTable(["Regime", "Who", "Said", "Taken for", "Times", "Example"], rows)}</div>`
}
