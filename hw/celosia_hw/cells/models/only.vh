// Ends the simulation at its start unless a parameter has a value that the model supports.
`define CELOSIA_ONLY(supported, what) \
  initial if (!(supported)) $fatal(1, "%m: this value of %s is not modelled", what);
