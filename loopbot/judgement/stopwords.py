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
dzień cześć witam witaj szanowni szanowny szanowna beste geachte hoi dag goedemorgen goedemiddag hej hejsan god bästa kære goddag
hei heisann kjære moi terve hyvä hyvää ahoj dobrý vážený vážená vážení zdravím merhaba merhabalar sayın selam selamlar iyi
こんにちは お世話になっております いつもお世話になっております お世話になります お疲れ様です お疲れさまです 各位 拝啓
您好 你好 大家好 各位好 早上好 下午好
"""  # noqa: RUF001 - other alphabets
GREETINGS = frozenset(_GREETING.split())
FAREWELLS = frozenset(
    {
        "regards", "best regards", "kind regards", "warm regards", "best", "cheers", "thanks", "thank you", "many thanks",
        "thanks in advance", "thx", "tia", "sincerely", "yours sincerely", "yours faithfully", "br",
        "mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichem gruß", "freundliche grüße", "viele grüße",
        "liebe grüße", "beste grüße", "mfg", "vg", "lg", "gruß", "danke", "cordialement", "bien cordialement", "merci",
        "saludos", "un saludo", "gracias", "atentamente", "atenciosamente", "obrigado", "obrigada", "cordiali saluti", "grazie",
        "с уважением", "спасибо",  # noqa: RUF001 - another alphabet
        "pozdrawiam", "serdecznie pozdrawiam", "z poważaniem", "z wyrazami szacunku", "pozdrowienia", "dziękuję",
        "z góry dziękuję", "met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groeten", "met groet", "groet",
        "groeten", "mvg", "bedankt", "alvast bedankt", "dank je wel", "dank u wel",
        "med vänliga hälsningar", "med vänlig hälsning", "vänliga hälsningar", "vänlig hälsning", "hälsningar", "mvh", "tack",
        "tack på förhand", "med venlig hilsen", "venlig hilsen", "de bedste hilsner", "hilsen", "vh", "tak", "på forhånd tak",
        "med vennlig hilsen", "vennlig hilsen", "beste hilsen", "takk", "på forhånd takk",
        "ystävällisin terveisin", "parhain terveisin", "terveisin", "kiitos", "kiitos etukäteen", "kiittäen",
        "s pozdravem", "s přátelským pozdravem", "s úctou", "děkuji", "předem děkuji", "díky", "hezký den",
        "saygılarımla", "saygılar", "iyi çalışmalar", "iyi günler", "kolay gelsin",  # noqa: RUF001 - a Turkish letter
        "teşekkürler", "teşekkür ederim",
        "şimdiden teşekkürler",
        "よろしくお願いします", "よろしくお願いいたします", "よろしくお願い致します", "宜しくお願いします", "宜しくお願いいたします",
        "宜しくお願い致します", "何卒よろしくお願いいたします", "どうぞよろしくお願いいたします", "以上", "以上です",
        "以上、よろしくお願いいたします", "以上、よろしくお願いします", "敬具", "ありがとうございます",
        "谢谢", "謝謝", "多谢", "非常感谢", "此致", "敬礼", "此致敬礼", "顺祝商祺", "祝好", "祝工作顺利", "敬上",
    },
)  # fmt: skip
