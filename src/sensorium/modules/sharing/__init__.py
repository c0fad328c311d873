"""Computing once what the prompts of several pairs have in common.

`network` finds out whether a model can; `rows` makes each pair's prompt into token ids that also tell media apart;
`media_table` keeps each distinct image, clip and sound with what was made of it; `packing` lays the differing ends of
prompts side by side; `prefix` holds the keys and values of their common beginning; `scorer` puts these together.
"""
