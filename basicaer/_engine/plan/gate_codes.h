/* Codes of the gates of a REGISTERS (layout.pxi), most of them the first of several:
   r a register bit, l a lane qubit, p a pair: of register bits 01, 02 or 12, of lane qubits 01, 02,
   03, 12, 13 or 23. A row has a turn's code without its form, which is a coefficient. */
#define GATE_TURN 0        /* + 3 form + r: t, form */
#define GATE_TURN2 18      /* + 6 form + 2 p, + 1 for 01 and 10 in place of 00 and 11: t, form */
#define GATE_FLIP 30       /* + r */
#define GATE_CX 33         /* + 2 p, + 1 if the lower bit is the control */
#define GATE_REAL 39       /* + r: four coefficients */
#define GATE_STEERED 42    /* + 2 p, + 1 if the lower bit steers: four for each of its values */
#define GATE_LANE 48       /* + l: two */
#define GATE_DENSE_LANE 52 /* + l: two complex ones */
#define GATE_LANES 56      /* + p: two */
#define GATE_LANE_BIT 62   /* + 3 l + r: four: a turn of both */
#define GATE_LANE_STEERED 74 /* + 3 l + r: two for each value of r */
#define GATE_DIAGONAL 86   /* a complex coefficient for each register */
