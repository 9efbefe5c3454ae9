"""The figures of section 4 with the certified curves in them, each as PNG, SVG and the CSV behind it."""
