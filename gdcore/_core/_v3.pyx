include "network.pxi"
