// A configuration of one's own: what is refused, with which sentence, and where it is looked for.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Agent, defineAgent, defineTool, loadExtension, toExtension, tools } from "../../extension/index.ts"
import { define } from "../../runtime/index.ts"
import { ROOT } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"
import { temporaryFolder } from "../support/nats.ts"

const agent = defineAgent({ type: "oracle", policy: () => ({ decision: "HOLD", confidence: 0.5 }) })
const more = (fields: object) => ({ agents: [{ ...agent, ...fields }] })
const tool = (name: string) =>
  defineTool({
    ...{ name, about: "a", needed: () => 1, parameters: Schema.Struct({}), result: Schema.Struct({}) },
    compute: () => ({})
  })
const actorOf = (type: string) =>
  define({
    protocol: { type, messages: {} },
    state: Schema.Null,
    initial: () => null,
    events: {},
    decide: {},
    evolve: {}
  })
const TYPES = "there are market_analyst, risk_advisor, strategy_optimizer, performance_coach, comprehensive"
const MODEL = "must be quant, ollama:NAME, anthropic:NAME, perplexity:NAME or openai:NAME"

/** What is given, and what is said of it after the file. */
const REFUSED: ReadonlyArray<readonly [given: unknown, sentence: string]> = [
  [undefined, "must export by default what defineConfig gives"],
  [{ agent: [] }, "`agent`: there is no such field; there are agents, tools, panels, models, actors, expectations"],
  [{ agents: {} }, "`agents`: must be a list"],
  [{ agents: ["oracle"] }, "`agents.0`: must be what defineAgent gives"],
  [
    more({ tool: [] }),
    "`agents.0.tool`: there is no such field; there are type, policy, tools, prompt, model, output, timeout"
  ],
  [more({ type: "Oracle" }), "`agents.0.type`: an agent type is 1 to 64 of a-z 0-9 _, words"],
  [more({ type: "a".repeat(65) }), "`agents.0.type`: an agent type is 1 to 64 of a-z"],
  [more({ type: "feedback" }), "`agents.0.type`: an agent type is 1 to 64 of a-z"],
  [
    more({ type: "risk_advisor" }),
    "`agents.0.type`: risk_advisor comes with the system: an own agent has another name"
  ],
  [{ agents: [agent, agent] }, "`agents.0.type`: oracle is the type of two agents"],
  [more({ policy: "HOLD" }), "`agents.0.policy`: must be a function of the question"],
  [
    more({ tools: ["rsi"] }),
    "`agents.0.tools.0`: must be what defineTool gives, or one of the tools that come with the system"
  ],
  [more({ tools: [tool("Place")] }), "`agents.0.tools.0.name`: a tool's name is 1 to 64 of a-z 0-9 _"],
  [more({ tools: [tool("rsi")] }), "`agents.0.tools.0.name`: there is another tool of the name rsi"],
  [more({ tools: [tools.rsi, tools.rsi] }), "`agents.0.tools.1.name`: the agent has a tool rsi already"],
  [more({ prompt: " " }), "`agents.0.prompt`: must be a text"],
  [more({ model: "gpt" }), `\`agents.0.model\`: ${MODEL}`],
  [more({ model: "ollama:a" }), "`agents.0.model`: an agent that asks a model needs a prompt"],
  [more({ output: {} }), "`agents.0.output`: must be a Schema"],
  [more({ timeout: "soon" }), "`agents.0.timeout`: must be a duration from 1 millisecond to 2 minutes"],
  [{ tools: { oracle: [] } }, "`tools.oracle`: must be one of market_analyst"],
  [{ tools: { risk_advisor: [tools.atr] } }, "`tools.risk_advisor.0.name`: the agent has a tool atr already"],
  [{ panels: { "A*B*": ["market_analyst"] } }, "`panels.A*B*`: must be a symbol, or a pattern with one *"],
  [{ panels: { acme: ["market_analyst"] } }, "`panels.acme`: must be a symbol, or a pattern with one *"],
  [{ panels: { ACME: [] } }, "`panels.ACME`: must be a list of agent types, with one at least"],
  [{ panels: { ACME: ["market_analyst", "market_analyst"] } }, "`panels.ACME`: an agent is named twice"],
  [{ panels: { ACME: ["oracle"] } }, `\`panels.ACME.0\`: there is no agent type oracle; ${TYPES}`],
  [{ models: { oracle: "quant" } }, `\`models.oracle\`: there is no agent type oracle; ${TYPES}`],
  [{ models: { risk_advisor: "gpt" } }, `\`models.risk_advisor\`: ${MODEL}`],
  [{ ...more({}), models: { oracle: "ollama:a" } }, "`models.oracle`: an agent that asks a model needs a prompt"],
  [{ ...more({ model: "quant" }), models: { oracle: "quant" } }, "`models.oracle`: the agent names its model itself"],
  [{ actors: [{}] }, "`actors.0`: must be what define gives"],
  [{ actors: [actorOf("feedback")] }, "`actors.0.type`: feedback is the type of an actor of the system"],
  [{ ...more({}), actors: [actorOf("oracle")] }, "`actors.0.type`: oracle is the type of an actor of the system"],
  [{ actors: [actorOf("tally"), actorOf("tally")] }, "`actors.0.type`: tally is the type of two actors"],
  [{ expectations: { oracle: {} } }, "`expectations.oracle`: there is no own agent of the type oracle"],
  [{ ...more({}), expectations: { oracle: { calm: [] } } }, "`expectations.oracle.calm`: must be one of "],
  [
    { ...more({}), expectations: { oracle: { sideways: ["WAIT"] } } },
    "`expectations.oracle.sideways`: must be a list of BUY"
  ]
]

describe("a configuration", () => {
  it.effect("that breaks a rule is refused, with the file, the field and the rule", () =>
    Effect.forEach(
      REFUSED,
      ([given, sentence]) =>
        Effect.map(Effect.flip(toExtension(given, "own.ts")), ({ message }) =>
          assert.include(message, `own.ts: ${sentence}`)
        ),
      { discard: true }
    )
  )

  it.effect("that keeps them is taken whole", () =>
    Effect.gen(function* () {
      const own: Agent = {
        ...agent,
        prompt: "You foresee.",
        model: "ollama:a",
        tools: [tools.rsi, tool("place")],
        timeout: "2 seconds"
      }
      const given = {
        ...{
          agents: [own],
          tools: { risk_advisor: [tools.rsi] },
          panels: { "*": ["oracle"], "BTC/*": ["risk_advisor"] }
        },
        ...{
          models: { risk_advisor: "quant" },
          actors: [actorOf("tally")],
          expectations: { oracle: { sideways: ["BUY"] } }
        }
      }
      const found = yield* toExtension(given, "own.ts")
      assert.deepStrictEqual(
        found.agents.map(({ type, timeout }) => [type, timeout]),
        [["oracle", "2 seconds"]]
      )
      assert.deepStrictEqual(
        [...found.models],
        [
          ["risk_advisor", "quant"],
          ["oracle", "ollama:a"]
        ]
      )
      assert.deepStrictEqual([found.tools, found.panels, found.actors], [given.tools, given.panels, given.actors])
    })
  )

  it.live("lies in the working folder under three names, or where it is said", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      assert.isUndefined((yield* loadExtension(undefined, folder)).file)
      const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
      write("conclave.config.mjs", "export default {}")
      assert.strictEqual((yield* loadExtension(undefined, folder)).file, "conclave.config.mjs")
      write("conclave.config.ts", "const panels: object = {}; export default { panels }")
      assert.strictEqual((yield* loadExtension(undefined, folder)).file, "conclave.config.ts")
      const failed = (file: string) => Effect.map(Effect.flip(loadExtension(file, folder)), ({ message }) => message)
      assert.strictEqual(yield* failed("none.ts"), "none.ts: there is no such file")
      write("broken.mjs", "export default {")
      assert.match(yield* failed("broken.mjs"), /^broken\.mjs: cannot be loaded: /)
    }).pipe(Effect.scoped)
  )

  it.live("and its fault are said by a command, and a policy that waits has no place in a backtest", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = (name: string, agentText: string) => {
        writeFileSync(
          join(folder, name),
          `import { defineAgent, defineConfig } from "${join(ROOT, "extension", "index.ts")}"
export default defineConfig({ agents: [defineAgent(${agentText})], panels: { ACME: ["late"] } })`
        )
        return ["backtest", "--csv", "samples/ACME.csv", "--from", "2023-11-01", "--config", join(folder, name)]
      }
      const wrong = yield* endedInProcess({}, ...file("wrong.ts", '{ type: "late" }'))
      assert.strictEqual(wrong.code, 1)
      assert.include(wrong.stderr, "wrong.ts: `agents.0.policy`: must be a function of the question")
      const waiting = '{ type: "late", policy: async () => ({ decision: "BUY", confidence: 0.5 }) }'
      const late = yield* endedInProcess({}, ...file("late.ts", waiting))
      assert.include(late.stderr, "the agent late waits for the world, which a backtest cannot")
    }).pipe(Effect.scoped)
  )
})
