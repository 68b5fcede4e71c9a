import { type Alert, events, subjects, toTimestamp } from "../protocols/index.ts"
import { type Context, publish } from "../runtime/index.ts"

/** Tells operators, under `alert.<severity>`; `code` is for programs, `message` for people. */
export const publishAlert = (
  severity: (typeof Alert.Type)["severity"],
  code: string,
  message: string,
  context: Context
) => publish(events.alert, subjects.alert(severity), { severity, code, message, timestamp: toTimestamp(context.time) })
