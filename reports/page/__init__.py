"""The self-contained HTML report of one data set: what is shown, its pictures, and the page around them."""
