// The file that says by which experiment the coordinators of a node hold their analyses.
import { Effect, Option, Schema, SchemaIssue } from "effect"
import { Flag } from "effect/cli"
import { experimentOf, PANEL } from "../../actors/index.ts"
import type { Extension } from "../../extension/index.ts"
import { ExperimentPlan, ExperimentProtocol, HOUSE_TYPES } from "../../protocols/index.ts"
import { Actors } from "../../runtime/index.ts"
import type { Configuration } from "../config.ts"
import { readText } from "../text-file.ts"

/** A file of an experiment cannot be used; the sentence names the field and its rule. */
export class ExperimentFileError extends Schema.TaggedError<ExperimentFileError>()("ExperimentFileError", {
  file: Schema.String,
  /** Its path, `arms.b.quorum`; empty where the whole is meant. */
  field: Schema.String,
  rule: Schema.String
}) {
  override get message() {
    return this.field === "" ? `${this.file}: ${this.rule}` : `${this.file}: \`${this.field}\`: ${this.rule}`
  }
}

/** An experiment of this name was begun with other arms, or is judged in another way. */
export class OtherExperiment extends Schema.TaggedError<OtherExperiment>()("OtherExperiment", { name: Schema.String }) {
  override get message() {
    return `the experiment ${this.name} was begun with other arms, or judged in another way: give this one another name`
  }
}

export const experimentFlag = Flag.String("experiment").pipe(
  Flag.withDescription("Hold analyses by the two arms of this experiment, a JSON file; the same on all nodes"),
  Flag.withMetavar("FILE"),
  Flag.optional
)

/** The plan in the file that is named, if one is. Its arms ask agents of the house, own ones, and those that other nodes have. */
export const planOf = (
  file: Option.Option<string>,
  { agents }: Pick<Extension, "agents">,
  { agentTypes }: Pick<Configuration, "agentTypes">
): Effect.Effect<ExperimentPlan | undefined, ExperimentFileError> =>
  Option.match(file, {
    onNone: () => Effect.succeed(undefined),
    onSome: (name) => readPlan(name, [...agents.map(({ type }) => type), ...agentTypes])
  })

const BYTES_MAX = 65_536

/** The plan that a JSON file holds. Fails on the first field that breaks a rule, on fields and on agents that there are not. */
export const readPlan = (
  file: string,
  types: ReadonlyArray<string> = []
): Effect.Effect<ExperimentPlan, ExperimentFileError> =>
  Effect.gen(function* () {
    const failed = (rule: string, field = "") => new ExperimentFileError({ file, field, rule })
    const text = yield* readText(file, BYTES_MAX).pipe(Effect.mapError((reason) => failed(reason)))
    const json = yield* decodeJson(text).pipe(Effect.mapError(() => failed("it is not JSON")))
    const plan = yield* decodePlan(json).pipe(
      Effect.mapError(({ issue }) => {
        const [first] = format(issue).issues
        const path = (first?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step))
        return failed(RULES[first?.message ?? ""] ?? first?.message ?? "is not valid", path.join("."))
      })
    )
    const known: ReadonlyArray<string> = [...HOUSE_TYPES, ...types]
    for (const arm of ["a", "b"] as const) {
      const { quorum, panel = PANEL } = plan.arms[arm]
      const strange = panel.findIndex((type) => !known.includes(type))
      if (strange >= 0) {
        return yield* failed(`there is no such agent; there are ${known.join(", ")}`, `arms.${arm}.panel.${strange}`)
      }
      if (quorum !== undefined && quorum > panel.length) {
        return yield* failed(`the quorum is more than the ${panel.length} of the panel`, `arms.${arm}.quorum`)
      }
    }
    return plan
  })

const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))
const decodePlan = Schema.decodeUnknownEffect(ExperimentPlan, { onExcessProperty: "error" })
const format = SchemaIssue.makeFormatterStandardSchemaV1()

const RULES: { readonly [message: string]: string } = {
  "Missing key": "this field is required",
  "Expected no excess property": "there is no such field"
}

/**
 * Begins the experiment, so that one with other arms is refused before anything is held by it.
 *
 * Fails with `OtherExperiment`. That nobody answers is no failure: the coordinators begin it too, with their first analysis.
 */
export const beginExperiment = (plan: ExperimentPlan): Effect.Effect<void, OtherExperiment, Actors> =>
  Actors.use((actors) => actors.ask(ExperimentProtocol, plan.name, "Start", { experiment: experimentOf(plan) })).pipe(
    Effect.asVoid,
    Effect.catch((error) =>
      error._tag === "ExperimentExists"
        ? new OtherExperiment({ name: plan.name })
        : Effect.logWarning("experiment not begun yet").pipe(Effect.annotateLogs({ reason: error._tag }))
    )
  )
