// `npm start`, `npm test`, `npm run bench` and `conclave` run this first, with whatever Node is on the PATH.
import { ROOT } from "./nats-server.mjs"
import { prepare } from "./prepare.mjs"
import { giveUp } from "./say.mjs"

const WITHOUT_SERVER = ["--help", "-h", "--version", "--completions", "--nats", "gateway", "node"]

/** Whether the command `conclave` will start a nats-server of its own, as far as its arguments say. */
const startsServer = (args) =>
  args.length > 0 &&
  !process.env.NATS_URL &&
  !args.some((arg) => WITHOUT_SERVER.includes(arg) || arg.startsWith("--nats="))

const [caller, ...args] = process.argv.slice(2)
const node = await prepare(ROOT, { server: caller !== "conclave" || startsServer(args) }).catch(giveUp)
if (caller === "conclave") console.log(node)
