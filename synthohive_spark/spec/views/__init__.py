"""What notebooks show: pieces of HTML without scripts, in the colours of the page around them."""
