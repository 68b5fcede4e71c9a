// `conclave test-agents`: what the agents do in each kind of market, beside what would be right.
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { runAgentTests, SUBJECTS } from "../../evaluation/index.ts"
import { REGIMES } from "../../sim/index.ts"
import { configuration, InvalidSetting } from "../config.ts"
import { configFlag, extensionOf } from "../run/extension.ts"
import { agentTestPage } from "./agent-page.ts"
import { agentTestText } from "./agent-text.ts"
import { outputFlags, printReport } from "./output.ts"
import { runStressTest, stressText } from "./stress.ts"

const RUNS_MAX = 1_000
const STRESS_MAX = 100_000

const between = (least: number, most: number) =>
  Flag.filter<number>(
    (value) => value >= least && value <= most,
    () => `must be a whole number from ${least} to ${most}`
  )

/** Some of a set of names, each once, in the order of the set. */
const listFlag = <const Names extends ReadonlyArray<string>>(name: string, names: Names, description: string) =>
  Flag.String(name).pipe(
    Flag.withDescription(`${description}: ${names.join(", ")}`),
    Flag.withMetavar("LIST"),
    Flag.map((text) => text.split(",").map((each) => each.trim())),
    Flag.filter(
      (given) => given.every((each) => names.includes(each)),
      () => `must be of ${names.join(", ")}, with commas between`
    ),
    Flag.map((given): ReadonlyArray<Names[number]> => names.filter((each) => given.includes(each))),
    Flag.optional
  )

/** Who is examined, in the order of the table. */
const subjectsOf = (given: Option.Option<string>, agents: ReadonlyArray<{ readonly type: string }>) => {
  const all: ReadonlyArray<string> = [...SUBJECTS, ...agents.map(({ type }) => type)]
  if (Option.isNone(given)) return Effect.succeed(all)
  const named = given.value.split(",").map((each) => each.trim())
  if (named.every((each) => all.includes(each))) return Effect.succeed(all.filter((each) => named.includes(each)))
  const rule = `must be of ${all.join(", ")}, with commas between`
  return Effect.fail(new InvalidSetting({ variable: "--agent", value: given.value, rule }))
}

export const testAgents = Command.make(
  "test-agents",
  {
    regime: listFlag("regime", REGIMES, "Only these kinds of market, with commas between"),
    agent: Flag.String("agent").pipe(
      Flag.withDescription(
        `Only these agents, or the joint decision, with commas between: ${SUBJECTS.join(", ")}, or own ones`
      ),
      Flag.withMetavar("LIST"),
      Flag.optional
    ),
    config: configFlag,
    runs: Flag.Int("runs").pipe(
      Flag.withDescription("How many seeds (default: 20)"),
      between(1, RUNS_MAX),
      Flag.withDefault(20)
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("The first seed: the same number asks the same again (default: 1)"),
      between(0, 2 ** 31),
      Flag.withDefault(1)
    ),
    stress: Flag.Int("stress").pipe(
      Flag.withDescription("Instead, so many analyses at once through the runtime on a NATS server of its own"),
      Flag.withMetavar("COUNT"),
      between(1, STRESS_MAX),
      Flag.optional
    ),
    ...outputFlags
  },
  (given) =>
    Effect.gen(function* () {
      if (Option.isSome(given.stress)) {
        const found = yield* runStressTest(yield* configuration, { analyses: given.stress.value, seed: given.seed })
        return yield* printReport(
          { ...given, html: Option.none() },
          { text: () => stressText(found), data: found, page: () => "" }
        )
      }
      const { agents, expectations } = yield* extensionOf(given.config)
      const subjects = yield* subjectsOf(given.agent, agents)
      const report = yield* runAgentTests({
        ...{ agents, expectations, subjects },
        runs: given.runs,
        seed: given.seed,
        ...(Option.isSome(given.regime) ? { regimes: given.regime.value } : {})
      })
      const waiting = agents.find((agent) => agent.waits())
      if (waiting !== undefined) {
        const rule = "waits for the world, which it cannot here: its policy must answer at once"
        return yield* new InvalidSetting({ variable: "the agent", value: waiting.type, rule })
      }
      yield* printReport(given, {
        text: () => agentTestText(report),
        data: { ...report, test_report: { executive_summary: report.executive_summary } },
        page: () => agentTestPage(report)
      })
    })
).pipe(
  Command.withDescription(
    "Test the agents in every kind of simulated market, and on one where nothing can be foreseen"
  ),
  Command.withExamples([
    { command: "npx conclave test-agents --html agents.html", description: "Twenty seeds, with a page to look at" },
    {
      command: "npx conclave test-agents --regime breakout_bullish --agent joint --runs 100",
      description: "One of them, closely"
    },
    { command: "npx conclave test-agents --stress 500", description: "Throughput and latencies of the whole system" }
  ])
)
