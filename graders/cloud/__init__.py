"""What labs about a cloud have in common: what stands in it, judged by rules that know no lab."""
