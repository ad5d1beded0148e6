"""A HEIC photo of 64×48 orange pixels, as an iPhone would write it: Pillow alone cannot make one."""
import base64, zlib

text = ('eNpjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYExMze1JJEBAhQzUnKKoGyGgszkEgY0oJSZkw82xMWBgREIgYCxF0IDgRQQK2dm'
        '5qWBeSBRUSAnlQnKyyhLNgQx+QoyS3LhSl5mFhQVAOlTmQXJ+UC6DKjMmZEZJDQBrEjuA8Ofvz9+MDDwMycAdUg4MPIw/v8PUsAM'
        'UsEMQnK7mBwSgZJaToyMaDILFBpZp716smznDo4MAwWgEDOIYFBMAipnc2E8WHygE2iJSGZxQSrUGw5QrJGck1gAZYNcagClQYDp'
        '////H0A0EAsUZFZkggSZOTg4gJR4ZkEuLESBgcTSyMTSDAq73JREUICKaTCuj3j25dX+/1N3//+8/pPceqdKqbkfAKdbUh8=')
HEIC = zlib.decompress(base64.b64decode(text))
