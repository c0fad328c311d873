"""The text that the small tokenizers are trained on, and the texts that tests encode.

Written for this purpose: a few dozen sentences about everyday things, with capitals, digits, punctuation and some
letters outside ASCII. Must not know which tokenizer reads it.
"""

from __future__ import annotations

TRAINING_TEXT: tuple[str, ...] = (
    "The quick brown fox jumps over the lazy dog near the river bank.",
    "A photograph of a red bicycle leaning against an old brick wall.",
    "Where is the nearest train station, and when does the next train leave?",
    "Two children play football in the park while their father reads the newspaper.",
    "The orchestra tuned its instruments before the evening concert began.",
    "Water boils at 100 degrees Celsius, or 212 degrees Fahrenheit, at sea level.",
    "She wrote 17 letters in 1998 and received only three answers.",
    "Heavy rain is expected in the north; the south stays dry and sunny.",
    "Bake the bread for forty minutes, then let it cool on a wooden board.",
    "A black cat sleeps on the warm windowsill all afternoon.",
    "The museum opens at nine o'clock and closes at half past five.",
    "Search the documents for an answer to the question below.",
    "Retrieve the passage that best describes the picture.",
    "Represent the user's input as a vector.",
    "You are a helpful assistant who describes images, sounds and short films.",
    "The bird sings loudly, the dog barks, and far away a bell is ringing.",
    "An airplane crosses the clear blue sky above the mountains.",
    "Green apples, yellow bananas and ripe tomatoes lie on the market stall.",
    "Her grandmother knitted a scarf of blue and white wool.",
    "The computer stores numbers as ones and zeros in its memory.",
    "Light travels faster than sound, so we see the lightning before the thunder.",
    "In spring the cherry trees along the canal are full of blossoms.",
    "A sailor repaired the torn sail with a needle and strong thread.",
    "The recipe needs 250 grams of flour, 2 eggs and a pinch of salt.",
    "Das Café am Fluss öffnet früh; der Kaffee dort ist gut und günstig.",
    "Le garçon mange une pomme près de la fenêtre ouverte.",
    "El niño corre por la playa mientras el sol se pone.",
    "title: none | text: The lighthouse keeper counted the ships every night.",
    "task: search result | query: who counted the ships?",
    "User: what is shown in the clip? Assistant: a car turning left at a crossing.",
)

#: What tests encode: lengths from one word to a paragraph, so that batches need padding.
SAMPLE_TEXTS: tuple[str, ...] = (
    "A red bicycle.",
    "The orchestra plays before the old brick wall, and two children listen to the music in the evening.",
    "Where is the nearest train station?",
    "rain",
    "Das Café öffnet um 9 Uhr; 250 grams of flour cost 2 €.",
)
