"""Words that tell nothing of what a ticket is about, in the languages that tickets are mostly written in."""

_ENGLISH = """
a about after again all also am an and any are as at be because been before being but by can cannot could did do does doesn
doing don down during each few for from further get gets getting got had has hasn have having he hello help her here hers hi him
his how i if in into is isn it its itself just me more most my no nor not now of off on once only or other our out over own
please regards same she should so some still such than thank thanks that the their them then there these they this those
through to too under until up very was wasn we were what when where which while who whom why will with won would you your
dear team via using used use when
"""
_GERMAN = """
aber alle als also am an auch auf aus bei bin bis bitte da damit dann das dass dem den der des die dies diese dieser doch du ein
eine einem einen einer eines er es fur für habe haben hallo hat ich ihr im in ist ja kann kein keine konnen können man mein mit
nach nicht noch nun nur ob oder seit sich sie sind so uber über um und uns von vor war was wenn wie wir wird zu zum zur
"""
_FRENCH = """
au aux avec ce ces cette dans de des du elle en est et eu il ils je la le les leur lui ma mais me merci mes mon ne nos notre nous
on ou où par pas pour qu que qui sa se ses son sont sur ta te tu un une vos votre vous été être bonjour
"""
_SPANISH_PORTUGUESE_ITALIAN = """
al como con cuando del el ella en es esta este está fue ha hay la las lo los me mi muy más no nos para pero por que se si sin
sobre su sus un una uno y ya hola gracias ao aos com da das do dos ele em foi mas mais na nas nao não nos num os ou pela pelo são
sem seu sua também um uma você alla anche che chi ci come con dal dalla dei del della di gli il nel nella non per piu più questa
questo sono una ciao
"""
_RUSSIAN = "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня о из"  # noqa: RUF001 - another alphabet

STOP = frozenset(
    f"{_ENGLISH} {_GERMAN} {_FRENCH} {_SPANISH_PORTUGUESE_ITALIAN} {_RUSSIAN}".split(),
)
_GREETING = """
hi hello hey dear greetings good hallo guten liebe lieber sehr moin bonjour salut madame hola buenos buenas es
timado ola olá oi caro cara ciao buongiorno gentile привет здравствуйте добрый
"""
GREETINGS = frozenset(_GREETING.split())
FAREWELLS = frozenset(
    {
        "regards", "best regards", "kind regards", "best", "cheers", "thanks", "thank you", "many thanks", "thanks in advance",
        "thx", "tia", "sincerely", "br", "mit freundlichen grüßen", "mit freundlichen grüssen", "freundliche grüße",
        "viele grüße", "beste grüße", "mfg", "vg", "gruß", "danke", "cordialement", "bien cordialement", "merci", "saludos",
        "un saludo", "gracias", "atentamente", "atenciosamente", "obrigado", "obrigada", "cordiali saluti", "grazie",
        "с уважением", "спасибо",  # noqa: RUF001 - another alphabet
    },
)  # fmt: skip
