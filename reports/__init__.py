"""reports: the theory compared with simulation, as CSV files and tables on the terminal."""
