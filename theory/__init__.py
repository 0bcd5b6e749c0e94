"""motifield.theory: symbols. SymPy only."""
