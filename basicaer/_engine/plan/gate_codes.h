/* Codes of the gates of a REGISTERS (layout.pxi), most of them the first of several:
   r a register bit, l a lane qubit, p a pair: of register bits 01, 02 or 12, of lane qubits 01, 02,
   03, 12, 13 or 23. A row has a turn's code without its form, which is a coefficient. */
#define GATE_TURN 0        /* + 3 form + r: t, form */
#define GATE_TURN2 18      /* + 9 form + 3 p, of 00 and 11, + 1 or 2 of 01 and 10: t, form; in that of a
                              the lower bit is 1 (+ 1), or the higher (+ 2) */
#define GATE_FLIP 54       /* + r */
#define GATE_CX 57         /* + 2 p, + 1 if the lower bit is the control */
#define GATE_REAL 63       /* + r: four coefficients */
#define GATE_STEERED 66    /* + 2 p, + 1 if the lower bit steers: four for each of its values */
#define GATE_LANE 72       /* + l: two */
#define GATE_DENSE_LANE 76 /* + l: two complex ones */
#define GATE_LANES 80      /* + p: two */
#define GATE_LANE_BIT 86   /* + 3 l + r: four: a turn of both */
#define GATE_LANE_STEERED 98 /* + 3 l + r: two for each value of r */
#define GATE_DIAGONAL 110   /* a complex coefficient for each register */
#define GATE_TURN_CX 112   /* + 6 form + 2 p, + 1: a turn of the target, then a GATE_CX: t, form */
#define GATE_TURN_X 136    /* + r: a turn, then a flip, which is a turn of another form: t, form */
