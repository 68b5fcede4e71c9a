// `npm run demo`: a tour of what a system does for a program, in well under a minute. Promises only; it keeps nothing.
import { AgentSystem, type DecisionEvent, type RunningSystem } from "./index.ts"

const SYMBOLS = ["ACME", "GLOBEX", "INITECH"]

/** A simulated market begins with so many bars of the past. */
const PAST_BARS = 60
const SHOWN = 12

const say = (text: string) => console.log(text)
const heading = (text: string) => say(`\n${text}`)
const share = (value: number) => value.toFixed(2)

const analyses = async (system: RunningSystem) => {
  heading("Three symbols, of whose prices the agents are shown sixty days")
  const past = await system.simulateMarketStream({ symbols: SYMBOLS, bars: 1, speed: 1_000 })
  await past.finished()
  const results = await Promise.all(SYMBOLS.map((symbol) => system.runRealTimeAnalysis({ symbol })))
  for (const { symbol, final_recommendation, confidence, consensus_achieved, votes } of results) {
    const how = consensus_achieved ? "by consensus" : "without consensus"
    say(`  ${symbol.padEnd(8)} ${final_recommendation.padEnd(4)} ${share(confidence)} ${how}`)
    for (const vote of votes)
      say(`    ${vote.agent_type.padEnd(19)} ${vote.decision.padEnd(4)} ${share(vote.confidence)}`)
  }
}

const consensus = async (system: RunningSystem) => {
  heading("A consensus, with a dissent from outside")
  const { final_recommendation } = await system.runRealTimeAnalysis({ symbol: "ACME" })
  const opposite = final_recommendation === "BUY" ? "SELL" : "BUY"
  const critic = { agent_id: "critic", agent_type: "critic", external: true }
  const { consensus_id, tokens } = await system.requestConsensus({
    symbol: "ACME",
    agents: ["market_analyst", "risk_advisor", "strategy_optimizer"],
    invited: [critic]
  })
  const reasoning = "Everybody looks at the same prices."
  await system.castVote(consensus_id, {
    ...{ agent_id: "critic", agent_type: "critic", token: tokens.critic ?? "" },
    ...{ decision: opposite, confidence: 0.9, reasoning }
  })
  const result = await system.getConsensusResult(consensus_id, { waitMs: 20_000 })
  for (const vote of result?.votes ?? []) {
    say(
      `  ${vote.agent_id.padEnd(24)} ${vote.decision.padEnd(4)} ${share(vote.confidence)}  ${vote.reasoning.slice(0, 70)}`
    )
  }
  say(`  ${result?.final_decision}, closed by ${result?.closed_by}, in ${result?.processing_time_ms} ms`)
}

const market = async (system: RunningSystem) => {
  heading("Two markets that fall, and what the agents decide on them, live")
  let decisions = 0
  let live = 0
  const simulation = await system.simulateMarketStream({
    ...{ symbols: ["UMBRELLA", "WAYNE"], regime: "trending_bearish" },
    ...{ seed: 7, speed: 4, bars: 8 }
  })
  const show = ({ data }: DecisionEvent) => {
    decisions++
    const { symbol, agent_type, decision, confidence } = data
    const { bars = 0 } = simulation.report().symbols.find((each) => each.symbol === symbol) ?? {}
    if (bars > PAST_BARS && live++ < SHOWN)
      say(`  ${symbol.padEnd(8)} ${agent_type.padEnd(19)} ${decision.padEnd(4)} ${share(confidence)}`)
  }
  const unsubscribe = await system.onDecision(show)
  const { symbols } = await simulation.finished()
  await unsubscribe()
  for (const { symbol, bars, last_price } of symbols) say(`  ${symbol}: ${bars} bars, the last at ${last_price}`)
  say(`  ${decisions} decisions of single agents were heard`)
}

const agentTests = async (system: RunningSystem) => {
  heading("Agent tests of one kind of market")
  const { executive_summary } = await system.runAgentTests({ regimes: ["breakout_bullish"], runs: 2 })
  const { overall_success_rate, checks } = executive_summary
  say(
    `  ${Math.round(100 * overall_success_rate)}% of ${checks} answers are acceptable; conclave test-agents asks in every kind of market`
  )
}

const status = async (system: RunningSystem) => {
  heading("How the system is")
  const { component_health, performance_summary } = await system.getSystemStatus()
  const parts = Object.entries(component_health).map(([part, health]) => `${part} ${health.status}`)
  say(`  ${parts.join(", ")}`)
  const { active_agents, total_decisions, tool_executions } = performance_summary
  say(`  ${active_agents} agents, ${total_decisions} joint decisions, ${tool_executions} uses of tools`)
}

const startedAt = performance.now()
say("Starting a NATS server, the actors and a gateway")
const system = await AgentSystem.initialize({ temporary: true, gateway: { port: 0 } })
say(`  WebSocket and HTTP on ${system.gateway}`)
try {
  for (const part of [analyses, consensus, market, agentTests, status]) await part(system)
} finally {
  await system.shutdown()
}
say(`\nStopped, after ${Math.round((performance.now() - startedAt) / 1_000)} seconds.`)
