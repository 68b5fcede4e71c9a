// The normal distribution to the precision of a double, far tails included. Pure.

/** a[0] + a[1]·x + a[2]·x² + … */
const polynomial = (coefficients: ReadonlyArray<number>, x: number): number =>
  coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0)

// Cody's rational approximations of erf up to 0.46875, of erfc up to 4, and of erfc beyond; lowest power first.
const NEAR = [
  [3209.3775891384694, 377.485237685302, 113.86415415105016, 3.1611237438705655, 0.18577770618460315],
  [2844.236833439171, 1282.6165260773723, 244.02463793444417, 23.601290952344122, 1]
] as const
const MIDDLE = [
  [
    1230.3393547979972, 2051.0783778260716, 1712.0476126340707, 881.952221241769, 298.6351381974001, 66.11919063714163,
    8.883149794388377, 0.5641884969886701, 2.1531153547440383e-8
  ],
  [
    1230.3393548037495, 3439.3676741437216, 4362.619090143247, 3290.7992357334597, 1621.3895745666903,
    537.1811018620099, 117.6939508913125, 15.744926110709835, 1
  ]
] as const
const FAR = [
  [
    0.0006587491615298378, 0.016083785148742275, 0.12578172611122926, 0.36034489994980445, 0.30532663496123236,
    0.016315387137302097
  ],
  [0.0023352049762686918, 0.06051834131244132, 0.5279051029514285, 1.8729528499234673, 2.568520192289822, 1]
] as const

const ratio = ([above, below]: readonly [ReadonlyArray<number>, ReadonlyArray<number>], x: number): number =>
  polynomial(above, x) / polynomial(below, x)

/** e^(−x²) with the square split in two: the error of the whole one would be as many times larger as the power. */
const bell = (x: number): number => {
  const whole = Math.trunc(x * 16) / 16
  return Math.exp(-whole * whole) * Math.exp(-(x - whole) * (x + whole))
}

/**
 * The complementary error function of x ≥ 0.46875; 0 where it is less than the smallest double. Source: W. J. Cody, Rational Chebyshev Approximations for the Error Function, Mathematics
 * of Computation 23, 1969.
 */
const erfc = (x: number): number => {
  if (x > 28) return 0
  if (x <= 4) return bell(x) * ratio(MIDDLE, x)
  const square = 1 / (x * x)
  return (bell(x) * (1 / Math.sqrt(Math.PI) - square * ratio(FAR, square))) / x
}

/**
 * How likely a standard normal number is below z: to 15 digits between −5 and 5, and to 13 down to where it is less than the smallest normal
 * double (z about −37.5), so that what is far out is small and not 0.
 */
export const normalCdf = (z: number): number => {
  const x = Math.abs(z) / Math.SQRT2
  if (Number.isNaN(x)) return Number.NaN
  if (x < 0.46875) return 0.5 + ((z / Math.SQRT2) * ratio(NEAR, x * x)) / 2
  const tail = erfc(x) / 2
  return z < 0 ? tail : 1 - tail
}

const CENTRE = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854
  ]
] as const
const SIDE = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9
  ]
] as const
const TAIL = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15
  ]
] as const

/**
 * The standard normal number that a part p of all is below, to about 15 digits; −∞ for 0, ∞ for 1. Source: M. J. Wichura, Algorithm AS 241:
 * The Percentage Points of the Normal Distribution, Applied Statistics 37, 1988.
 */
export const normalQuantile = (p: number): number => {
  if (!(p > 0 && p < 1)) return p === 0 ? Number.NEGATIVE_INFINITY : p === 1 ? Number.POSITIVE_INFINITY : Number.NaN
  const away = p - 0.5
  if (Math.abs(away) <= 0.425) return away * ratio(CENTRE, 0.180625 - away * away)
  const far = Math.sqrt(-Math.log(Math.min(p, 1 - p)))
  const size = far <= 5 ? ratio(SIDE, far - 1.6) : ratio(TAIL, far - 5)
  return away < 0 ? -size : size
}
