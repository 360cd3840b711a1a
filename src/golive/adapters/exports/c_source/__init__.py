"""C source: a graph written out as C99 that answers one row, without any library but libm."""
