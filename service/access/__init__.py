"""Who is calling, and may they: section 8 of the contract."""
