"""reports: theory against simulation, on paper."""
